package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// says runs the program to its end, and reports what it has said and its exit code.
func (s *space) says(t *testing.T, args ...string) ended {
	t.Helper()
	return finish(t, program.kayci(t, s, args...))
}

// exits fails the test unless the program ends with the code.
func (s *space) exits(t *testing.T, code int, args ...string) ended {
	t.Helper()
	got := s.says(t, args...)
	if got.code != code {
		t.Errorf("kayci %s: exit code %d, want %d; it says %q and %q", strings.Join(args, " "), got.code, code, got.out, got.err)
	}
	return got
}

// TestPeopleAtATerminal: what a person starts, follows, stops, retries and approves ends
// with the exit code that its Run asks for.
func TestPeopleAtATerminal(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	good := s.pipeline("good", script("test", `echo "note: $KAYCI_NOTE"`))
	good.Spec.Params = []v1alpha1.Param{{Name: "note"}}
	s.create(t, good, s.pipeline("bad", script("test", "exit 3"), script("later", "true", "test")),
		s.pipeline("long", script("test", s.patient())), s.pipeline("gated", script("test", "true"), gated("deploy", "echo deployed", "test")))

	odd := "it said \"go\"\n$(KAYCI_RUN) = 'x'"
	if got := s.exits(t, 0, "start", "good", "note="+odd, "-f"); !strings.HasSuffix(got.out, "test | note: it said \"go\"\ntest | $(KAYCI_RUN) = 'x'\n") {
		t.Errorf("the parameter arrives as %q", got.out)
	}
	s.exits(t, 2, "start", "good")
	s.exits(t, 2, "start", "goood", "note=x")
	s.exits(t, 4, "start", "good", "note=x", "--as", "mallory")

	if got := s.exits(t, 1, "start", "bad", "-w"); !strings.Contains(got.out, "test Failed: ") || !strings.Contains(got.out, "later Skipped") {
		t.Errorf("watching says %q", got.out)
	}
	s.exits(t, 1, "wait", "bad/1")
	s.exits(t, 1, "retry", "bad/1", "-f")
	if got := s.exits(t, 0, "describe", "bad"); !strings.Contains(got.out, "kayci retry bad/2 -n "+s.namespace) {
		t.Errorf("it advises nothing that helps: %q", got.out)
	}

	long := strings.TrimSpace(strings.TrimPrefix(s.exits(t, 0, "start", "long", "-o", "name").out, "run.kayci.dev/"))
	s.awaitJob(t, long, "test", v1alpha1.JobRunning)
	s.exits(t, 124, "wait", long, "--timeout", "1s")
	s.exits(t, 0, "cancel", long)
	s.exits(t, 3, "watch", long)

	s.start(t, "asks", "gated")
	s.awaitQuestion(t, "asks", "deploy")
	s.exits(t, 4, "approve", "asks", "deploy", "-y", "--as", "mallory")
	s.exits(t, 0, "approve", "asks", "deploy", "-y")
	s.exits(t, 0, "wait", "asks")
	s.exits(t, 2, "approve", "asks", "deploy", "-y")
	s.expectList(t)
}

// expectList checks what is said of all Runs.
func (s *space) expectList(t *testing.T) {
	t.Helper()
	got := map[string]string{}
	for _, line := range lines(s.exits(t, 0, "runs").out)[1:] {
		fields := strings.Fields(line)
		got[fields[0]] = strings.Join(fields[1:3], " ")
	}
	want := map[string]string{
		"good/1": "Succeeded 1/1", "bad/1": "Failed 2/2", "bad/2": "Failed 2/2", "long/1": "Cancelled 1/1", "gated/1": "Succeeded 2/2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// TestATrialLeavesNothing: a Pipeline of a folder runs with the person's rights, ends the
// command as it does, and is gone.
func TestATrialLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	folder := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "web.json"), []byte(file(t, s.pipeline("web", script("test", text)))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("echo tried")
	if got := s.exits(t, 0, "try", folder, "web"); !strings.Contains(got.out, "test | tried\n") {
		t.Errorf("it prints %q", got.out)
	}
	write("echo tried; exit 1")
	s.exits(t, 1, "try", folder, "web")
	s.exits(t, 2, "try", folder, "wbe")
	s.exits(t, 4, "try", folder, "web", "--as", "mallory")
	s.awaitGone(t, "trials", &v1alpha1.PipelineList{})
	s.awaitGone(t, "their Runs", &v1alpha1.RunList{})
}
