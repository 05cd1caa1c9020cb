local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';
local say(text) = ci.script(busybox, 'echo "%s"' % text);

[
  ci.pipeline('conditions', params=[ci.param('deploy', default='false', enum=['true', 'false'])], jobs=[
    ci.job('test', ci.script(busybox, ci.outputFunction + 'output coverage 82')),
    ci.job('deploy', say('Deploying.'), needs=['test'], when="params.deploy == 'true'"),
    ci.job('warn', say('Only $KAYCI_OUTPUT_TEST_COVERAGE percent are covered.'), needs=['test'], when='int(jobs.test.outputs.coverage) < 90'),
    ci.job('alarm', say('Something has failed.'), needs=['deploy', 'warn'], when='failure()'),
    ci.job('clean-up', say('Cleaning up.'), needs=['deploy', 'warn'], when='always()'),
  ]),
  ci.trigger.generic('conditions', 'conditions', secret='webhook'),
]
