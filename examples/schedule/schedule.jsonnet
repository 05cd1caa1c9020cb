local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('nightly', params=['day'], jobs=[
    ci.job('clean', ci.script(busybox, 'echo "Cleaning up what is older than $KAYCI_DAY."')),
  ]),
  // At half past three in Berlin, or up to ten minutes later. A night that was missed
  // is made up for until noon.
  ci.trigger.schedule('nightly', 'nightly', '30 3 * * *', timeZone='Europe/Berlin', jitter='10m', startingDeadline='8h',
                      params={ day: 'string(time).substring(0, 10)' }),
  ci.trigger.generic('by-hand', 'nightly', secret='webhook', params={ day: '"today"' }),
]
