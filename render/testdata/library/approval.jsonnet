local ci = import 'kayci.libsonnet';
local work = ci.script('busybox:1.37', 'true');
ci.pipeline('approval', jobs=[
  ci.job('deploy', work) + ci.approval('Deploy to production?'),
  ci.job('publish', work, needs=['deploy']) + ci.approval(),
  ci.job('announce', work, needs=['publish']) + ci.approval('Now?', timeout='1h'),
])
