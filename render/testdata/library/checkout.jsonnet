local ci = import 'kayci.libsonnet';

ci.pipeline('checkout', params=['git_url', 'git_sha', 'base'], jobs=[
  ci.job('parameters', [
    ci.checkout(),
    ci.script('golang:1.26', 'go test ./...'),
  ]),
  ci.job('everything', [
    ci.checkout(secret='git', host='git.example.com', dir='src', depth=0, tags=true, ref='main', submodules=true, lfs=true, merge='$(KAYCI_BASE)', output='commit', timeout='5m', user=1000),
    ci.checkout('https://git.example.com/acme/tools.git', 'v1', secret='git', dir='third_party/Tools', paths=['bin', 'share/$x']),
    ci.checkout('https://git.example.com/acme/old.git', 'main', dir='old', mirror='mirrors', mirrorPath='acme/$old.git'),
    ci.checkout('ssh://git@git.example.com:2222/acme/secrets.git', 'main', secret='ssh', dir='secrets', name='secrets'),
    ci.checkout('http://git.example.com/acme/plain.git', 'main', secret='git', http=true, dir='plain', mirror={ nfs: { server: 'nfs.example.com', path: '/mirrors/plain.git' } }),
    ci.script('golang:1.26', 'go build ./...', env={ CGO_ENABLED: '0' }),
    ci.script('golang:1.26', 'git log', name='own', env={ GIT_CONFIG_COUNT: '0' }),
  ]),
  ci.job('alone', ci.checkout('https://git.example.com/acme/web.git', 'main')) + ci.restricted(),
])
