local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('roll-out', params=['name', 'version'], jobs=[
    ci.job('check', ci.script(busybox, 'echo "Checking version $KAYCI_VERSION of $KAYCI_NAME."')),
    ci.job('roll-out', ci.script(busybox, 'echo "Rolling out version $KAYCI_VERSION of $KAYCI_NAME."'), needs=['check']),
  ]),
  // Each new version in a ConfigMap with this label is rolled out. A change of anything
  // else in it starts nothing.
  ci.trigger.resource('settings', 'roll-out', 'v1', 'ConfigMap', selector={ 'example.com/roll-out': 'web' },
                      when='oldObject == null || object.data.version != oldObject.data.version',
                      params={ name: 'object.metadata.name', version: 'object.data.version' }),
  ci.trigger.generic('roll-out', 'roll-out', secret='webhook', params={ name: '"settings"', version: 'body.?version.orValue("1.4.1")' }),
]
