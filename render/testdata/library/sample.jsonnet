local ci = import 'kayci.libsonnet';
local versions = { go125: 'golang:1.25', go126: 'golang:1.26' };
local tests = [ci.job('test-' + v, ci.script(versions[v], 'go test ./...')) for v in std.objectFields(versions)];
[
  ci.pipeline('web', params=['git_sha'], jobs=tests + [
    ci.job('build', ci.script('golang:1.26', 'go build ./...'), needs=[t.name for t in tests]),
  ]),
  ci.trigger.github('web-push', 'web', secret='web-hook', events=['push'], branches=['main'], params={ git_sha: 'event.sha' }),
]
