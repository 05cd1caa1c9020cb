local ci = import 'kayci.libsonnet';
[
  ci.pipeline('web', params=['git_sha', 'title'], jobs=[ci.job('test', ci.script('golang:1.26', 'go test ./...'))]),
  ci.trigger.github('main', 'web', secret='hook', branches='main', params={ git_sha: 'event.sha', title: 'event.title' }),
  ci.trigger.github('release', 'web', secret='hook', tags='v*', params={ git_sha: 'event.sha', title: '"a release"' }),
  ci.trigger.github('untitled', 'web', secret='hook', branches='dev', params={ git_sha: 'event.sha' }),
]
