local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';
local pushed(registry) = ci.trigger.image(registry, 'check-image', registry, secret='webhook', repositories='acme/*', tags=['main', 'v*']);

[
  // Quay and Docker Hub don't tell the digest.
  ci.pipeline('check-image', params=['repository', 'tag', ci.param('digest', default='')], jobs=[
    ci.job('check', ci.script(busybox, 'echo "Checking $KAYCI_REPOSITORY:$KAYCI_TAG${KAYCI_DIGEST:+@$KAYCI_DIGEST}."')),
  ]),
  pushed('distribution'),
  pushed('harbor'),
  pushed('quay'),
  pushed('dockerhub'),
]
