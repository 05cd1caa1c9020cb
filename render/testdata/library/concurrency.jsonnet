local ci = import 'kayci.libsonnet';
local jobs = [ci.job('one', ci.step('image-decides', 'busybox:1.36', args='true'))];
[
  ci.pipeline('all', jobs, concurrency=ci.concurrency('"deploy"')),
  ci.pipeline('branches', jobs, params=['branch'], concurrency=ci.concurrency('params.branch', limit=2, policy='Replace')),
  ci.pipeline('locked', jobs, concurrency=ci.concurrency(group='production')),
  ci.pipeline('stages', jobs, params=['stage'], concurrency=ci.concurrency('params.stage', group='stages')),
]
