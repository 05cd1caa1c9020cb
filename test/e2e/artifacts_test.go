package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/api/v1alpha1"
)

// leaving is a Pipeline whose jobs keep things, one of which can't.
const leaving = `local ci = import 'kayci.libsonnet';
local sh(script, name='main') = ci.script('docker.io/library/busybox:1.37', script, name=name);
[
  ci.pipeline('web', jobs=[
    ci.job('build', [
      sh('mkdir -p dist/sub && echo one > dist/a && ln -s ../a dist/sub/link && head -c 20000000 /dev/urandom > dist/large && sha256sum dist/large > sum'),
      ci.artifacts('dist', ['dist/**', 'sum']),
    ]),
    ci.job('test', allowFailure=true, work=[
      sh("echo '<testsuite><testcase name=\"TestA\"/><testcase name=\"TestB\"><failure message=\"no good\"/></testcase></testsuite>' > unit.xml; echo log > a.log; exit 1"),
      ci.junit('*.xml'),
      ci.artifacts('logs', '*.log', when='always'),
      ci.artifacts('never', 'unit.xml'),
    ]),
    ci.job('use', [
      ci.fetch('build', 'dist', dir='got'),
      ci.fetch('test', 'logs'),
      sh('sed s,dist,got/dist, got/sum | sha256sum -c - && cat got/dist/sub/link a.log'),
    ], needs=['build', 'test']),
    ci.job('early', [ci.fetch('use', 'none'), sh('true')], allowFailure=true),
    ci.job('lost', [sh('true'), ci.artifacts('none', 'nothing/**')], allowFailure=true),
  ]),
]
`

// TestArtifacts: what a job keeps a later one fetches, whole; what can't be kept fails its
// job and says why; and test results stand in the Run's status.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"web.jsonnet": leaving})
	s.create(t, s.configRepo("web", repository.URL))
	s.syncTo(t, "web", commit)
	s.start(t, "one", "web")
	run := s.awaitEnd(t, "one", v1alpha1.RunSucceeded)
	status := map[string]v1alpha1.JobStatus{}
	for _, job := range run.Status.Jobs {
		status[job.Name] = job
	}
	if log := s.log(t, "one", "use", "main"); !strings.Contains(log, "got/dist/large: OK\none\nlog\n") {
		t.Errorf("what was fetched:\n%s", log)
	}
	want := &v1alpha1.TestSummary{Total: 2, Failed: 1}
	if diff := cmp.Diff(want, status["test"].Tests, cmpopts.IgnoreFields(v1alpha1.TestSummary{}, "Failures")); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
	if lost := status["lost"]; lost.Phase != v1alpha1.JobFailed || lost.Reason != v1alpha1.ReasonArtifactsFailed || !strings.Contains(lost.Message, "artifact none") {
		t.Errorf("what couldn't be kept: %s %s: %s", lost.Phase, lost.Reason, lost.Message)
	}
	if early := status["early"]; early.Phase != v1alpha1.JobFailed {
		t.Errorf("an artifact that nobody has left was fetched: %+v", early)
	}
	if log := s.log(t, "one", "early", "fetch-none"); !strings.Contains(log, "job use has left no artifact none") {
		t.Errorf("why it can't be fetched:\n%s", log)
	}
}

// TestCacheOfAnEarlierRun: a later Run finds what an earlier one has saved.
func TestCacheOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"web.jsonnet": `local ci = import 'kayci.libsonnet';
ci.pipeline('web', jobs=[ci.job('build', [
  ci.cache('modules', 'pkg/**'),
  ci.script('docker.io/library/busybox:1.37', 'cat pkg/by || { mkdir pkg; echo "$KAYCI_RUN" > pkg/by; echo new; }'),
])])
`})
	s.create(t, s.configRepo("web", repository.URL))
	s.syncTo(t, "web", commit)
	for _, tt := range [][2]string{{"one", "new\n"}, {"two", "one\n"}} {
		s.start(t, tt[0], "web")
		s.awaitEnd(t, tt[0], v1alpha1.RunSucceeded)
		if log := s.log(t, tt[0], "build", "main"); !strings.HasSuffix(log, tt[1]) {
			t.Errorf("%s prints %q and not %q", tt[0], log, tt[1])
		}
	}
}
