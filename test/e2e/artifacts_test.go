package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	program.ready(t)
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
	s.awaitStored(t, "one")
	s.removeRun(t, "one")
	s.expectArtifacts(t)
}

// expectArtifacts fetches what is left of a Run that was deleted.
func (s *space) expectArtifacts(t *testing.T) {
	t.Helper()
	listed := finish(t, program.kayci(t, s, "artifacts", "one", "-oname"))
	if diff := cmp.Diff("build/dist\ntest/logs\n", listed.out); diff != "" || listed.code != 0 {
		t.Errorf("artifacts, %q (-want +got):\n%s", listed.err, diff)
	}
	fetch := program.kayci(t, s, "artifacts", "one", "build/dist", "-d", "got")
	if fetched := finish(t, fetch); fetched.code != 0 {
		t.Fatalf("fetched: %q, exit code %d", fetched.err, fetched.code)
	}
	got := os.DirFS(filepath.Join(fetch.Dir, "got"))
	sum, err := fs.ReadFile(got, "sum")
	large, failed := fs.ReadFile(got, "dist/large")
	if want := fmt.Sprintf("%x  dist/large\n", sha256.Sum256(large)); string(sum) != want || err != nil || failed != nil {
		t.Errorf("what was fetched is %q, and its sum %q: %v, %v", want, sum, err, failed)
	}
	if one := finish(t, program.kayci(t, s, "artifacts", "one", "test/logs", "--path", "a.log")); one.out != "log\n" {
		t.Errorf("a file alone: %q, %q", one.out, one.err)
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
  ci.script('docker.io/library/busybox:1.37', 'cat pkg/by 2>&1 || { mkdir pkg; echo "$KAYCI_RUN" > pkg/by; echo new; }'),
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
