local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('outputs', jobs=[
    ci.job('build', ci.script(busybox, ci.outputFunction + |||
      output version "1.4.$KAYCI_RUN_NUMBER"
      output notes 'Now with "quotes".'
    |||)),
    ci.job('test', ci.script(busybox, 'echo "Testing $KAYCI_OUTPUT_BUILD_VERSION."'), needs=['build']),
    // An output reaches all jobs behind the one that left it.
    ci.job('publish', ci.script(busybox, 'echo "Publishing $KAYCI_OUTPUT_BUILD_VERSION: $KAYCI_OUTPUT_BUILD_NOTES"'), needs=['test']),
  ]),
  ci.trigger.generic('outputs', 'outputs', secret='webhook'),
]
