local ci = import 'kayci.libsonnet';
ci.pipeline('timeouts', timeout='2h', pendingTimeout='15m', jobs=[
  ci.job('test', ci.script('busybox:1.36', 'true'), timeout='20m'),
])
