local ci = import 'kayci.libsonnet';

[
  ci.pipeline('hello-world', params=[ci.param('who', default='world')], jobs=[
    ci.job('greet', ci.script('docker.io/library/busybox:1.37', 'echo "Hello, $KAYCI_WHO!"')),
  ]),
  ci.trigger.generic('hello-world', 'hello-world', secret='webhook'),
]
