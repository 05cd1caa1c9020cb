local ci = import 'kayci.libsonnet';
local golang = 'docker.io/library/golang:1.26';

// Whoever pushes chooses the program that runs here: no privileges for it. What Go
// downloads and compiles is below the folder that the steps share, where it can be kept.
local go = ci.restricted() + ci.env({
  HOME: '/workspace/home',
  GOMODCACHE: '/workspace/cache/modules',
  GOCACHE: '/workspace/cache/build',
});
local inSource(name, script) = ci.script(golang, script, name=name) + { workingDir: '/workspace/src' };

[
  ci.pipeline('go-artifacts', params=['git_url', 'git_sha'], jobs=[
    ci.job('build', timeout='10m', work=[
      ci.checkout('$(KAYCI_GIT_URL)', '$(KAYCI_GIT_SHA)', dir='src'),
      ci.cache('go', 'cache/**', keyFiles='src/go.*', restoreKeys='go'),
      inSource('compile', 'mkdir -p ../dist && go build -o ../dist/ .'),
      inSource('test', |||
        mkdir -p ../reports
        go test -v -vet=off -coverprofile=../dist/coverage.out . > ../reports/test.log || failed=1
        # For people, who read the log, and for what counts the tests.
        cat ../reports/test.log
        go tool test2json -p greeting < ../reports/test.log > ../reports/unit.json
        go tool cover -html=../dist/coverage.out -o ../dist/coverage.html
        exit "${failed:-0}"
      |||),
      ci.artifacts('dist', 'dist/**'),
      ci.junit('reports/*.json'),
    ]) + go,
    ci.job('run', work=[
      ci.fetch('build', 'dist'),
      ci.script(golang, './dist/greeting'),
    ], needs=['build']) + go,
  ]),
  ci.trigger.github('go-artifacts', 'go-artifacts', secret='webhook', branches=['main'], params={
    git_url: 'event.cloneURL',
    git_sha: 'event.sha',
  }),
]
