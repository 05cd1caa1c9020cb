local ci = import 'kayci.libsonnet';
ci.pipeline('services', [ci.job('test', ci.script('busybox:1.36', 'true'))], services=[
  ci.service('db', ci.step('main', 'postgres:18', env={ POSTGRES_PASSWORD: 'test' }), 5432) + ci.resources(limits={ memory: '1Gi' }),
  ci.service('web', ci.script('busybox:1.36', 'httpd -f'), [8080, { name: 'admin', port: 8081 }], probe={ httpGet: { port: 8080 } }),
  ci.service('pod', { containers: [
    ci.step('main', 'registry:3') + { readinessProbe: { exec: { command: ['ready'] } } },
    ci.step('proxy', 'proxy:1'),
  ] }, [{ name: 'a', port: 1 }, 2]),
])
