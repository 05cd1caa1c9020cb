local ci = import 'kayci.libsonnet';
local work = ci.script('busybox:1.37', 'true');
ci.pipeline('conditions', params=[ci.param('deploy', default='false')], jobs=[
  ci.job('test', work),
  ci.job('deploy', work, needs='test', when="params.deploy == 'true'"),
  ci.job('alarm', work, needs=['deploy']) + ci.when('failure()'),
])
