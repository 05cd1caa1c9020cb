local ci = import 'kayci.libsonnet';
ci.pipeline('outputs', jobs=[
  ci.job('build', ci.script('busybox:1.37', ci.outputFunction + 'output version 1.4.2'), outputs='version'),
  ci.job('publish', ci.script('busybox:1.37', 'echo "$KAYCI_OUTPUT_BUILD_VERSION"'), needs=['build']),
])
