local ci = import 'kayci.libsonnet';

ci.pipeline('web', jobs=[ci.job('test', ci.script('busybox:1', 'true'))], notifiers=[
  ci.notifier.slack('chat', 'chat', on='Failed', title='It broke'),
  ci.notifier.email('mail', 'mail') + ci.imagePullSecret('registry'),
  ci.notifier.webhook('hook', 'hook', on=['Running', 'Succeeded']),
  ci.notifier.job('own', ci.script('busybox:1', 'echo "$KAYCI_RUN_PHASE: $KAYCI_RUN_MESSAGE"')),
])
