local ci = import 'kayci.libsonnet';
local step(name, needs=[]) =
  ci.job(name, ci.script('docker.io/library/busybox:1.37', 'echo "$KAYCI_JOB has begun."; sleep 1'), needs=needs);

[
  ci.pipeline('diamond', jobs=[
    step('step-1'),
    step('step-2', needs=['step-1']),
    step('step-3', needs=['step-1']),
    step('step-4', needs=['step-2', 'step-3']),
    step('step-5', needs=['step-4']),
  ]),
  ci.trigger.generic('diamond', 'diamond', secret='webhook'),
]
