local ci = import 'kayci.libsonnet';
local golang = 'docker.io/library/golang:1.26';

// Whoever pushes chooses the program that runs here: no privileges for it.
local restricted = ci.restricted() + ci.env({ HOME: '/workspace/home' });

[
  ci.pipeline('go-build', params=['git_url', 'git_sha'], jobs=[
    ci.job('build', timeout='10m', work=[
      ci.checkout('$(KAYCI_GIT_URL)', '$(KAYCI_GIT_SHA)', dir='src'),
      ci.script(golang, 'go build -o ../bin/ ./... && ls ../bin', name='compile') + { workingDir: '/workspace/src' },
      ci.script(golang, 'git log --oneline && go test ./...', name='test') + { workingDir: '/workspace/src' },
    ]) + restricted,
  ]),
  ci.trigger.github('go-build', 'go-build', secret='webhook', branches=['main'], pathsIgnore='**/*.md', params={
    git_url: 'event.cloneURL',
    git_sha: 'event.sha',
  }),
]
