local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('dependencies', jobs=[
    ci.job('test', ci.script(busybox, 'echo "All tests have passed."')),
    ci.job('release', ci.script(busybox, 'echo "Released as number $KAYCI_RUN_NUMBER."'), needs=['test']),
  ]),
  ci.trigger.generic('dependencies', 'dependencies', secret='webhook'),
]
