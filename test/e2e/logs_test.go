package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// chatty fails its first attempt and succeeds with its second.
func chatty(name string, needs ...string) v1alpha1.Job {
	job := script(name, `printf 'hostile \033[31mred\033[0m \033]52;c;aGk=\007\033[2Jend\n'; test "$(cat /seen/mark 2>/dev/null)" || { echo first; exit 1; }`, needs...)
	job.Template.Spec.BackoffLimit = new(int32(1))
	return job
}

func TestLogsOfARetriedJobAndOfLaterOnes(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	// The lines of containers that start at once come in any order.
	build := script("build", "sleep 1; echo built; sleep 1; echo done")
	build.Template.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "clone", Image: busybox, Command: []string{"echo", "cloned"}}}
	s.create(t, s.pipeline("web", build, chatty("test", "build"), script("skipped", "true", "test")))
	s.start(t, "one", "web")

	followed := finish(t, program.kayci(t, s, "logs", "-f", "one"))
	hostile := "hostile red end"
	want := []string{
		"build/clone | cloned", "build/main | built", "build/main | done",
		"test    | " + hostile, "test    | first", "test#2  | " + hostile, "test#2  | first",
	}
	// How far names are filled up depends on which pods there are when a line comes.
	if diff := cmp.Diff(squeezed(want), squeezed(lines(followed.out))); diff != "" || followed.code != 1 {
		t.Errorf("followed, exit code %d, %q (-want +got):\n%s", followed.code, followed.err, diff)
	}
	s.awaitEnd(t, "one", v1alpha1.RunFailed)
	for name, tt := range map[string]struct {
		args []string
		want ended
	}{
		"all":            {[]string{"one"}, ended{out: strings.Join(want, "\n") + "\n"}},
		"one job":        {[]string{"web/1", "build", "-c", "main", "--no-prefix"}, ended{out: "built\ndone\n"}},
		"one attempt":    {[]string{"web", "test", "--attempt", "2"}, ended{out: "#2 | " + hostile + "\n#2 | first\n"}},
		"what failed":    {[]string{"--failed", "--grep", "^first"}, ended{out: "test    | first\ntest#2  | first\n"}},
		"what never ran": {[]string{"one", "skipped"}, ended{err: "skipped: it never started\n"}},
		"the end":        {[]string{"one", "build", "--tail", "1"}, ended{out: "clone | cloned\nmain | done\n"}},
		"no such job":    {[]string{"one", "biuld"}, ended{err: "kayci: Run one has no job or service \"biuld\": did you mean build?\n", code: 2}},
		"raw":            {[]string{"one", "test", "--attempt", "1", "--raw"}, ended{out: "hostile \x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07\x1b[2Jend\nfirst\n"}},
	} {
		if diff := cmp.Diff(tt.want, finish(t, program.kayci(t, s, append([]string{"logs"}, tt.args...)...)), cmp.AllowUnexported(ended{})); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
	s.expectDownload(t)
}

// squeezed are the lines with one blank where there are several.
func squeezed(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, strings.Join(strings.Fields(line), " "))
	}
	return all
}

// expectDownload checks what is saved of the Run.
func (s *space) expectDownload(t *testing.T) {
	t.Helper()
	cmd := program.kayci(t, s, "download", "one")
	got := finish(t, cmd)
	if diff := cmp.Diff(ended{out: "one.tar.gz\n", err: "skipped: it never started\n"}, got, cmp.AllowUnexported(ended{})); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	data, err := os.ReadFile(filepath.Join(cmd.Dir, "one.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for reader := tar.NewReader(packed); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if says := map[string]string{"run.yaml": "pipeline: web", "pipeline.yaml": "name: skipped", "events.yaml": "reason: ", "main.log": "Z "}[path.Base(header.Name)]; !strings.Contains(string(text), says) {
			t.Errorf("%s doesn't say %q:\n%s", header.Name, says, text)
		}
	}
	slices.Sort(names)
	want := []string{"artifacts.yaml", "events.yaml", "logs/build-1/clone.log", "logs/build-1/main.log", "logs/test-1/main.log", "logs/test-2/main.log", "missing.txt", "pipeline.yaml", "run.yaml"}
	for i := range want {
		want[i] = "one/" + want[i]
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLogsAtATerminal: Ctrl-C ends the command and not the Run, and colours are all that
// a build can do there.
func TestLogsAtATerminal(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	s.create(t, s.pipeline("web", script("test", `trap 'exit 1' TERM; printf '\033[31mred\033]0;title\007\033[2J\n'; sleep 600 & wait`)))
	s.start(t, "one", "web")
	cmd := program.kayci(t, s, "logs", "-f", "one")
	screen := atTerminal(t, cmd)
	if !screen.await("red") {
		t.Fatalf("the terminal shows %q", screen.seen.String())
	}
	if want := "\x1b[36mtest |\x1b[0m \x1b[31mred\x1b[0m\n"; screen.seen.String() != want {
		t.Errorf("the terminal shows %q, want %q", screen.seen.String(), want)
	}
	if _, err := screen.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if !screen.await("Run web/1 goes on: `kayci cancel web/1 -n " + s.namespace + "` stops it.") {
		t.Errorf("the terminal shows %q", screen.seen.String())
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
	}
	run := &v1alpha1.Run{ObjectMeta: s.meta("one")}
	patch(t, s, run, func(run *v1alpha1.Run) { run.Spec.Cancelled = true })
	if got := finish(t, program.kayci(t, s, "logs", "-f", "one")); got.code != 3 || got.out != "test | red\n" {
		t.Errorf("of a cancelled Run: %+v", got)
	}
}

// TestLogsThatRotate: who follows has what a later reader has no more, and the later
// reader is told so, unless the node has begun another file so late that what is left
// doesn't say how fast the log has grown. A busy node may pass over lines in that moment.
// The store has followed, too.
func TestLogsThatRotate(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	program.ready(t)
	const printed = 40 * 10_000
	s.create(t, s.pipeline("web", script("test", `line=$(head -c 99 /dev/zero | tr '\0' x)
for second in $(seq 40); do yes "$line" | head -n 10000; sleep 1; done`)))
	s.start(t, "one", "web")
	followed := finish(t, program.kayci(t, s, "logs", "-f", "one", "--no-prefix"))
	got := strings.Count(followed.out, "\n")
	if got < printed*9/10 || got > printed || got == printed && followed.err != "" || followed.code != 0 {
		t.Errorf("followed: %d lines, %q, exit code %d", got, followed.err, followed.code)
	}
	later := finish(t, program.kayci(t, s, "logs", "one", "--store="))
	const telling = 3000
	kept := strings.Count(later.out, "\n")
	if kept >= printed/2 || kept >= telling && !strings.Contains(later.err, "test: lines before ") || later.code != 0 {
		t.Errorf("later: %d lines, %q, exit code %d", kept, later.err, later.code)
	}
	s.awaitStored(t, "one")
	s.removeRun(t, "one")
	stored := finish(t, program.kayci(t, s, "logs", "one", "--no-prefix"))
	if kept := strings.Count(stored.out, "\n"); kept < printed*9/10 || kept > printed || stored.code != 0 {
		t.Errorf("stored: %d lines, %q, exit code %d", kept, stored.err, stored.code)
	}
}
