local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';
local say(text) = ci.script(busybox, 'echo "%s"' % text);

[
  ci.pipeline('approval', jobs=[
    ci.job('test', say('Testing.')),
    ci.job('deploy', say('Deploying number $KAYCI_RUN_NUMBER.'), needs=['test']) + ci.approval('Deploy to production?'),
  ]),
  ci.trigger.generic('approval', 'approval', secret='webhook'),
]
