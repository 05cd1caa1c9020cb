local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline(
    'workspace',
    workspace=ci.workspace('100Mi'),
    retention={ maxCount: 3, minAge: '10m' },
    jobs=[
      ci.job('fetch', ci.script(busybox, 'mkdir parts; echo one > parts/a; echo two > parts/b') + { workingDir: '/shared' }),
      ci.job('build-a', ci.script(busybox, 'tr -d "\n" < /shared/parts/a > /shared/a.out'), needs=['fetch']),
      ci.job('build-b', ci.script(busybox, 'tr -d "\n" < /shared/parts/b > /shared/b.out'), needs=['fetch']),
      ci.job('publish', ci.script(busybox, 'echo "$(cat /shared/a.out) and $(cat /shared/b.out)"'), needs=['build-a', 'build-b']),
      // A job that needs no files need not wait for the volume, nor for its node.
      ci.job('lint', ci.script(busybox, 'test ! -e /shared')) + ci.mountWorkspace([]),
    ],
  ),
  ci.trigger.generic('workspace', 'workspace', secret='webhook'),
]
