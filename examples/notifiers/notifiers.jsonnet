local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline(
    'notifiers',
    jobs=[ci.job('test', ci.script(busybox, 'echo "All is well."'))],
    notifiers=[
      // Posts to a Slack incoming webhook, whose address is in the Secret `chat`.
      ci.notifier.slack('chat', 'chat', on=['Failed', 'Cancelled']),
      // Any other program can tell, too.
      ci.notifier.job('log', ci.script(busybox, 'echo "Run $KAYCI_RUN_NUMBER is $KAYCI_RUN_PHASE: $KAYCI_RUN_MESSAGE"')),
    ],
  ),
  ci.trigger.generic('notifiers', 'notifiers', secret='webhook'),
]
