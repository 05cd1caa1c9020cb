package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const statLine = "%s (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %s 20 21"

func TestParseStat(t *testing.T) {
	for _, tc := range []struct {
		name, text, err string
		want            stat
	}{
		{name: "name with parentheses", text: "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20", want: stat{'S', 4711}},
		{name: "ended", text: "7 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711", want: stat{'Z', 4711}},
		{name: "short", text: "7 (x) S 1 2", err: "too few fields"},
		{name: "empty", text: "", err: "no program name"},
		{name: "no number", text: "7 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x", err: "start time"},
	} {
		got, err := parseStat(tc.text)
		if tc.err == "" && (err != nil || got != tc.want) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
			t.Errorf("%s: %v, %v; want %v, %q", tc.name, got, err, tc.want, tc.err)
		}
	}
}

// table lays out a copy of /proc with one process.
func table(t *testing.T, boot, start, state string) Table {
	t.Helper()
	root := t.TempDir()
	line := strings.NewReplacer("%s (", "42 (", " S ", " "+state+" ", "%s", start).Replace(statLine)
	for path, text := range map[string]string{
		"sys/kernel/random/boot_id": boot + "\n", "42/stat": line, "42/cmdline": "/x/shim\x00-address\x00/s\x00",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Table{Root: root}
}

func TestRuns(t *testing.T) {
	record := Record{PID: 42, StartTicks: 100, Boot: "b1"}
	for _, tc := range []struct {
		name  string
		table Table
		want  bool
	}{
		{"the same", table(t, "b1", "100", "S"), true},
		{"recycled id", table(t, "b1", "101", "S"), false},
		{"after a restart of the machine", table(t, "b2", "100", "S"), false},
		{"ended, not waited for", table(t, "b1", "100", "Z"), false},
		{"no such process", Table{Root: t.TempDir()}, false},
	} {
		if got := tc.table.Runs(record); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestMatching(t *testing.T) {
	got, err := table(t, "b1", "100", "S").Matching(func(argv []string) bool {
		return cmp.Equal(argv, []string{"/x/shim", "-address", "/s"})
	})
	if diff := cmp.Diff([]Record{{PID: 42, StartTicks: 100, Boot: "b1"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	if _, ok, err := Read(path); ok || err != nil {
		t.Errorf("a missing file: %v, %v", ok, err)
	}
	want := Record{PID: 42, StartTicks: 1, Boot: "b"}
	if err := want.write(path); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := Read(path); got != want || !ok || err != nil {
		t.Errorf("got %v, %v, %v", got, ok, err)
	}
	for _, text := range []string{"", "{", `{"pid":1}`, `{"pid":-1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := Read(path); ok || err != nil {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
}

func TestStartAndStop(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux's /proc")
	}
	for name, script := range map[string]string{
		"obeys": `echo hello; sleep 60 & wait`,
		"deaf":  `trap '' TERM; echo hello; while :; do sleep 0.1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			r := startShell(t, script)
			if !Proc().Runs(r) {
				t.Error("it isn't said to run")
			}
			if err := Stop(t.Context(), Proc(), r, 300*time.Millisecond); err != nil {
				t.Error(err)
			}
			if Proc().Runs(r) {
				t.Error("it is said to run")
			}
		})
	}
}

// startShell starts a shell and waits until its script has said hello.
func startShell(t *testing.T, script string) Record {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	r, err := Start(Proc(), Spec{
		Path: shell, Args: []string{"sh", "-c", script}, Log: log, PIDFile: filepath.Join(dir, "pid"), Env: os.Environ(),
	})
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		if text, _ := os.ReadFile(log); string(text) == "hello\n" {
			return r
		}
		select {
		case <-deadline:
			t.Fatal("the program hasn't said hello")
		case <-tick.C:
		}
	}
}
