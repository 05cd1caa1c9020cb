local ci = import 'kayci.libsonnet';
local work = ci.script('busybox:1.37', 'true');
ci.pipeline('failures', failFast=true, maxParallel=2, jobs=[
  ci.job('lint', work, allowFailure=true),
  ci.job('try', work) + ci.allowFailure(),
  ci.job('build', work, needs=['lint', 'try']),
], finally=[
  ci.job('take-down', work),
  ci.job('tell', work, needs='take-down', when='failure()'),
], finallyTimeout='5m')
