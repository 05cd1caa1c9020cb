local ci = import 'kayci.libsonnet';
local platforms = { amd64: 'linux/amd64', arm64: 'linux/arm64' };
local builds = [
  ci.job('build-' + name, ci.script('docker.io/library/busybox:1.37', 'echo "Building for $PLATFORM."', env={ PLATFORM: platforms[name] }))
  for name in std.objectFields(platforms)
];

[
  ci.pipeline('matrix', jobs=builds + [
    ci.job('publish', ci.script('docker.io/library/busybox:1.37', 'echo "Publishing."'), needs=[job.name for job in builds]),
  ]) + ci.eachJob(ci.resources(requests={ cpu: '10m', memory: '16Mi' })),
  ci.trigger.generic('matrix', 'matrix', secret='webhook'),
]
