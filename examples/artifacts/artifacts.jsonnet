local ci = import 'kayci.libsonnet';
local busybox = 'docker.io/library/busybox:1.37';

[
  ci.pipeline('artifacts', jobs=[
    ci.job('build', [
      ci.script(busybox, |||
        mkdir -p dist reports
        echo "Hello from number $KAYCI_RUN_NUMBER." > dist/greeting
        cat > reports/unit.xml <<-XML
        	<testsuite name="unit"><testcase name="TestGreeting"/><testcase name="TestName"/></testsuite>
        XML
      |||),
      // Kept once the script has ended, and read by whoever may see the Run.
      ci.artifacts('dist', 'dist/**'),
      ci.junit('reports/*.xml'),
    ]),
    ci.job('release', [
      ci.fetch('build', 'dist'),
      ci.script(busybox, 'echo "Releasing: $(cat dist/greeting)"'),
    ], needs=['build']),
  ]),
  ci.trigger.generic('artifacts', 'artifacts', secret='webhook'),
]
