local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('build', params=[ci.param('branch', default='main')], jobs=[
    ci.job('image', outputs='tag', work=ci.script(busybox, ci.outputFunction + |||
      output tag "v1-$KAYCI_BRANCH"
    |||)),
  ]),
  ci.trigger.generic('build', 'build', secret='webhook'),

  // Each build of main that has succeeded is deployed.
  ci.pipeline('deploy', params=['tag'], jobs=[
    ci.job('deploy', ci.script(busybox, 'echo "Deploying $KAYCI_TAG."')),
  ]),
  ci.trigger.run('deploy', 'deploy', after='build', when="run.params.?branch.orValue('main') == 'main'", params={ tag: 'run.outputs.image.tag' }),
]
