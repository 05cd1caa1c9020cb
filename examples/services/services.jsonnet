local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';
local server = ci.script(busybox, |||
  mkdir /www
  echo 'Hello from the server.' > /www/index.html
  exec httpd -f -p 8080 -h /www
|||);
local read = ci.script(busybox, 'wget -q -O - "http://$KAYCI_SERVICE_WEB/"');

[
  ci.pipeline(
    'services',
    services=[ci.service('web', server, 8080)],
    jobs=[
      ci.job('read', read),
      ci.job('read-again', read, needs=['read']),
    ],
  ),
  ci.trigger.generic('services', 'services', secret='webhook'),
]
