local ci = import 'kayci.libsonnet';
{
  github: ci.trigger.github('t-github', 'p', 's', when='event.branch != "wip"'),
  gitlab: ci.trigger.gitlab('t-gitlab', 'p', 's', branches=['main', 'release/*']),
  gitea: ci.trigger.gitea('t-gitea', 'p', secret='s', events='push', branches='main', params={ sha: 'event.sha' }),
  everything: ci.trigger.github('t-everything', 'p', 's', events=['push', 'pull_request', 'release'], actions=['opened', 'published'], branches='main', tags='v*',
                                paths=['src/**', 'go.mod'], pathsIgnore='**/*.md', labels='ci', drafts=false),
  drafts: ci.trigger.gitlab('t-drafts', 'p', 's', events='pull_request', drafts=true, forks='Ignore'),
  bitbucket: ci.trigger.bitbucket('t-bitbucket', 'p', 's', events=['push', 'pull_request']),
  bitbucketServer: ci.trigger.bitbucketServer('t-bitbucket-server', 'p', 's'),
  reported: ci.trigger.gitea('t-reported', 'p', 's')
            + ci.report('t', api='https://git.example.com/api/v1', context='ci/p', url='https://ci.example.com/{namespace}/{run}', logs=true),
  generic: ci.trigger.generic('t-generic', 'p', secret='s', params={ who: 'body.user' }, when='has(body.user)')
           + { spec+: { suspend: true } },
  alerts: ci.trigger.generic('t-alerts', 'p', 's', each='body.alerts', delivery='body.fingerprint'),
  schedule: ci.trigger.schedule('t-schedule', 'p', '30 3 * * 1-5', timeZone='Europe/Berlin', startingDeadline='2h', jitter='5m', params={ stage: '"test"' }),
  run: ci.trigger.run('t-run', 'p', after='q', phases=['Failed', 'Cancelled'], params={ sha: 'run.origin.sha' }, when='run.number > 1', forks=true),
  next: ci.trigger.run('t-next', 'p', 'q', phases='Succeeded'),
  poll: ci.trigger.poll('t-poll', 'p', 'https://git.example.com/acme/web.git', secret='s', interval='5m', branches=['main', 'release/*'], tags='v*', params={ sha: 'event.sha' }),
  pollMain: ci.trigger.poll('t-poll-main', 'p', 'https://git.example.com/acme/web.git'),
  distribution: ci.trigger.image('t-distribution', 'p', 'distribution', 's'),
  harbor: ci.trigger.image('t-harbor', 'p', 'harbor', 's', repositories=['acme/web', 'acme/*/api'], tags='v?.*', when="body.digest != ''"),
  quay: ci.trigger.image('t-quay', 'p', 'quay', secret='s', tags=['main', '**'], params={ image: "'quay.io/' + body.repository + ':' + body.tag" }),
  dockerhub: ci.trigger.image('t-dockerhub', 'p', registry='dockerhub', secret='s', repositories='acme/web'),
  resource: ci.trigger.resource('t-resource', 'p', 'apps/v1', 'Deployment', object='web', selector={ team: 'web' }, events=['Updated', 'Deleted'],
                                params={ name: 'object.metadata.name' }, when="event == 'Deleted' || oldObject == null", minInterval='1m'),
  resources: ci.trigger.resource('t-resources', 'p', 'v1', 'ConfigMap'),
  daily: ci.trigger.schedule('t-daily', 'p', '@daily'),
}
