local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('parameters', params=[
    ci.param('stage', default='test', description='where to deploy to', enum=['test', 'production']),
    ci.param('version', default='1.0.0', description='what to deploy', pattern='[0-9]+\\.[0-9]+\\.[0-9]+'),
  ], jobs=[
    ci.job('deploy', ci.script(busybox, 'echo "Deploying $KAYCI_VERSION to $KAYCI_STAGE."')),
  ]),
  ci.trigger.generic('parameters', 'parameters', secret='webhook'),
]
