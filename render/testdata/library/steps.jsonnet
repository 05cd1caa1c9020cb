local ci = import 'kayci.libsonnet';
ci.pipeline('steps', [
  ci.job('list', [
    ci.script('alpine/git:2', 'git clone "$URL" .', env={ URL: 'https://git.example.com/web.git' }),
    ci.step('lint', 'golangci/golangci-lint:2', command=['golangci-lint', 'run']) + { workingDir: '/workspace/web' },
    ci.script('golang:1.26', 'go test ./...'),
  ]) + ci.resources(limits={ memory: '2Gi' }),
  ci.job('one', ci.steps([ci.step('image-decides', 'busybox:1.36', args='true')], workspace='/src')),
  ci.job('pod', { containers: [ci.script('busybox:1.36', 'set -o pipefail; date | cat', shell=['bash', '-euc'])], hostNetwork: true }),
])
