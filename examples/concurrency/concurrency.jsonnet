local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline(
    'concurrency',
    params=[ci.param('stage', default='test', enum=['test', 'production'])],
    // One deployment to a stage at a time, in the order in which they were asked for.
    concurrency=ci.concurrency('params.stage'),
    jobs=[
      ci.job('deploy', ci.script(busybox, 'echo "Deploying to $KAYCI_STAGE."; sleep 5')),
      ci.job('check', ci.script(busybox, 'echo "$KAYCI_STAGE is up."'), needs=['deploy']),
    ],
  ),
  ci.trigger.generic('concurrency', 'concurrency', secret='webhook'),
]
