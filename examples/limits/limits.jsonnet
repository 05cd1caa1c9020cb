local ci = import 'kayci.libsonnet';

[
  ci.pipeline('limits', timeout='30m', pendingTimeout='10m', jobs=[
    ci.job('download', ci.script('docker.io/library/busybox:1.37', 'echo "Downloaded in time."'), timeout='2m') + ci.retries(2),
    ci.job('test', ci.script('docker.io/library/busybox:1.37', 'echo "Tested in time."'), needs=['download'], timeout='20m'),
  ]),
  ci.trigger.generic('limits', 'limits', secret='webhook'),
]
