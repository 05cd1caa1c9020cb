local ci = import 'kayci.libsonnet';
{
  github: ci.trigger.github('t-github', 'p', 's', when='event.branch != "wip"'),
  gitlab: ci.trigger.gitlab('t-gitlab', 'p', 's', branches=['main', 'release/*']),
  gitea: ci.trigger.gitea('t-gitea', 'p', secret='s', events='push', branches='main', params={ sha: 'event.sha' }),
  generic: ci.trigger.generic('t-generic', 'p', secret='s', params={ who: 'body.user' }, when='has(body.user)')
           + { spec+: { suspend: true } },
}
