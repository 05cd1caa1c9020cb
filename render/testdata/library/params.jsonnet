local ci = import 'kayci.libsonnet';
ci.pipeline('params', params=[
  'git_sha',
  ci.param('stage', default='test', enum=['test', 'production']),
  ci.param('version', description='what to deploy', pattern='v\\d+'),
], jobs=[ci.job('deploy', ci.script('busybox:1.37', 'echo "$KAYCI_VERSION"'))])
