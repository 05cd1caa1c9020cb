local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('finally', jobs=[
    ci.job('lint', ci.script(busybox, 'echo "A word is misspelled."; false'), allowFailure=true),
    ci.job('set-up', ci.script(busybox, ci.outputFunction + 'output host "host-$KAYCI_RUN_NUMBER"'), outputs=['host']),
    ci.job('test', ci.script(busybox, 'echo "Testing on $KAYCI_OUTPUT_SET_UP_HOST."'), needs=['lint', 'set-up']),
  ], finally=[
    ci.job('take-down', ci.script(busybox, 'echo "Taking down $KAYCI_OUTPUT_SET_UP_HOST."')),
  ], finallyTimeout='5m'),
  ci.trigger.generic('finally', 'finally', secret='webhook'),
]
