local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('release', params=['git_url', 'git_sha', 'version'], jobs=[
    ci.job('release', ci.script(busybox, 'echo "Releasing $KAYCI_VERSION, which is $KAYCI_GIT_SHA of $KAYCI_GIT_URL."')),
  ]),
  // Each new tag of this form is a release. The repository needs no webhook.
  ci.trigger.poll('releases', 'release', 'https://github.com/git/git.git', interval='10m', tags='v*.*.*',
                  params={ git_url: 'event.cloneURL', git_sha: 'event.sha', version: 'event.tag' }),
  ci.trigger.generic('release', 'release', secret='webhook', params={ git_url: '"nowhere"', git_sha: '"nothing"', version: '"v0"' }),
]
