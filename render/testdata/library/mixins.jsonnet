local ci = import 'kayci.libsonnet';
local work = ci.script('busybox:1.36', 'echo "$KAYCI_GIT_SHA"', env={ MODE: 'fast' });
ci.pipeline('mixins', params=['git_sha', ci.param('deploy', 'false', 'whether to deploy')], retention={ maxCount: 3, maxAge: '24h' }, jobs=[
  ci.job('resources', work)
  + ci.resources(requests={ cpu: '500m' }, limits={ memory: '1Gi' })
  + ci.resources(requests={ memory: '1Gi' }),
  ci.job('nodes', work)
  + ci.nodeRequired({ 'kubernetes.io/arch': 'amd64' })
  + ci.nodeRequired({ zone: ['a', 'b'], gpu: true })
  + ci.nodePreferred({ disk: 'ssd' })
  + ci.nodePreferred({ disk: 'nvme' }, weight=90)
  + ci.nodeSelector({ pool: 'ci' })
  + ci.toleration('dedicated', 'ci', 'NoSchedule')
  + ci.toleration('spot'),
  ci.job('secrets', work)
  + ci.env({ LANG: 'C' })
  + ci.secretEnv('all-of-it')
  + ci.secretEnv('registry.login', { REGISTRY_TOKEN: 'token', REGISTRY_USER: 'user' })
  + ci.secretFiles('ssh.key', '/secrets/ssh')
  + ci.secretFiles('ssh.key', '/root/.ssh')
  + ci.imagePullSecret('pull')
  + ci.serviceAccount('deployer'),
  ci.job('others', work, timeout='5m')
  + ci.timeout('10m')
  + ci.retries(2)
  + ci.volume('cache', { emptyDir: { sizeLimit: '1Gi' } }, '/cache')
  + ci.pod({ hostUsers: false }),
  ci.job('restricted', [work, work { securityContext: { readOnlyRootFilesystem: true } }])
  + ci.pod({ securityContext: { fsGroupChangePolicy: 'OnRootMismatch' } })
  + ci.restricted(user=1000),
]) + ci.eachJob(ci.pod({ priorityClassName: 'low' }))
+ ci.eachJob({ needs: ['resources'] }, names=['others'])
+ { metadata+: { labels: { team: 'web' } } }
