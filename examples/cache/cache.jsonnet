local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('cache', jobs=[
    ci.job('build', [
      ci.script(busybox, 'echo "example.com/needed v1.2.3" > go.sum', name='sources'),
      // Behind the step that brings the sources: what is in go.sum is a part of the key.
      ci.cache('modules', 'pkg/**', restoreKeys='modules', keyFiles='go.sum'),
      ci.script(busybox, |||
        if [ -e pkg/needed ]; then
          echo "Found what number $(cat pkg/needed) has fetched."
        else
          mkdir -p pkg
          echo "$KAYCI_RUN_NUMBER" > pkg/needed
          echo "Fetched it anew."
        fi
      |||),
    ]),
  ]),
  ci.trigger.generic('cache', 'cache', secret='webhook'),
]
