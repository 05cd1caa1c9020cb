package keep_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/keep"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/store/upload"
)

// store notes what is asked of it.
type store struct {
	done      []string
	failed    bool
	away      error
	caches    map[string]bool
	succeeded error
	// asked is how often it was asked whether the job has succeeded.
	asked int
}

func (s *store) note(words ...string) { s.done = append(s.done, strings.Join(words, " ")) }

func (s *store) SaveArtifact(_ context.Context, _ *os.Root, name string, patterns []string) (upload.Saved, error) {
	s.note(append([]string{"artifact", name}, patterns...)...)
	return upload.Saved{Files: 1, Bytes: 2}, s.away
}

func (s *store) SaveTests(_ context.Context, report *tests.Report) error {
	s.note("tests", report.Summary(1).String())
	return s.away
}

func (s *store) SaveCache(_ context.Context, _ *os.Root, key string, paths []string) (bool, error) {
	s.note(append([]string{"cache", key}, paths...)...)
	return !s.caches[key], s.away
}

func (s *store) RestoreCache(_ context.Context, _ *os.Root, key string, restoreKeys []string) (string, error) {
	s.note(append([]string{"restore", key}, restoreKeys...)...)
	if s.caches[key] {
		return key, s.away
	}
	return "", s.away
}

func (s *store) FetchArtifact(_ context.Context, root *os.Root, job, name string) (upload.Saved, error) {
	s.note("fetch", job, name)
	return upload.Saved{Files: 1, Bytes: 2}, errors.Join(s.away, root.WriteFile("fetched", nil, 0o600))
}

func (s *store) Succeeded(context.Context) (bool, error) {
	s.asked++
	return !s.failed, s.succeeded
}

const report = `<testsuite name="unit"><testcase name="TestA"/><testcase name="TestB"><failure message="no"/></testcase></testsuite>`

func options(t *testing.T, s *store, files map[string]string) (o keep.Options, out *strings.Builder) {
	t.Helper()
	open := func(dir string) *os.Root {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { root.Close() })
		return root
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out = &strings.Builder{}
	return keep.Options{Store: s, Root: open(dir), Notes: open(t.TempDir()), Out: out}, out
}

// TestAll: each is kept as it is asked for, and what can't be is told.
func TestAll(t *testing.T) {
	t.Parallel()
	away := errors.New("the store is away\nfor now")
	summary := func(warnings ...string) keep.Last {
		read := &tests.Report{}
		read.Read("reports/a.xml", strings.NewReader(report))
		s := read.Summary(10)
		return keep.Last{Tests: &s, Warnings: warnings}
	}
	both := []keep.Artifact{{Name: "dist", Paths: []string{"dist/**"}, When: keep.OnSuccess}, {Name: "logs", Paths: []string{"*.log"}, When: keep.Always}}
	for name, tt := range map[string]struct {
		store     store
		artifacts []keep.Artifact
		reports   []string
		files     map[string]string
		want      keep.Last
		done      []string
	}{
		"artifacts of a success": {artifacts: both, done: []string{"artifact dist dist/**", "artifact logs *.log"}},
		"artifacts of a failure": {store: store{failed: true}, artifacts: both, done: []string{"artifact logs *.log"}},
		"of nobody knows what": {
			store: store{failed: true, succeeded: errors.New("no answer")}, artifacts: both, done: []string{"artifact logs *.log"},
			want: keep.Last{Error: "keeping artifact dist failed: no answer"},
		},
		"a store that is away": {
			store: store{away: away}, artifacts: both, done: []string{"artifact dist dist/**", "artifact logs *.log"},
			want: keep.Last{Error: "keeping artifact dist failed: the store is away; for now; keeping artifact logs failed: the store is away; for now"},
		},
		"reports": {
			reports: []string{"reports/**/*.xml"}, files: map[string]string{"reports/a.xml": report, "other.xml": "<x/>"},
			want: summary(), done: []string{"tests 1 of 2 tests failed: TestB"},
		},
		"reports that can't be stored": {
			store: store{away: errors.New("it is full")}, reports: []string{"reports/*.xml"}, files: map[string]string{"reports/a.xml": report},
			want: summary("test reports can't be stored: it is full"), done: []string{"tests 1 of 2 tests failed: TestB"},
		},
		"no reports": {reports: []string{"*.xml"}, want: keep.Last{Warnings: []string{`test reports: no file matches ["*.xml"]`}}},
		"no report": {
			reports: []string{"*.xml"}, files: map[string]string{"a.xml": "<html/>"},
			want: keep.Last{Warnings: []string{"test reports: a.xml: it isn't a report of JUnit's kind: its root element is <html>"}},
		},
		"no pattern": {reports: []string{"[z-a"}, want: keep.Last{Warnings: []string{`test reports: "[z-a": syntax error in pattern`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, _ := options(t, &tt.store, tt.files)
			o.Artifacts, o.Reports = tt.artifacts, tt.reports
			last := keep.All(t.Context(), o)
			if diff := cmp.Diff(tt.want, last); diff != "" {
				t.Errorf("it says (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.done, tt.store.done); diff != "" {
				t.Errorf("it asks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCache: the key is made of files' content, and saved once.
func TestCache(t *testing.T) {
	t.Parallel()
	const sum = "go-9c9d44ffc51d76aae7bd3bd47ee1fb4c"
	files := map[string]string{"go.sum": "one", "sub/go.sum": "two"}
	restoring := keep.Restoring{
		Cache: keep.Cache{Name: "modules", Paths: []string{"pkg/**"}}, Key: "go", KeyFiles: []string{"**/go.sum"}, RestoreKeys: []string{"go-"},
	}
	key := ""
	for name, tt := range map[string]struct {
		store *store
		want  []string
	}{
		"new":                   {&store{}, []string{"restore KEY go-", "cache KEY pkg/**"}},
		"there":                 {&store{caches: map[string]bool{"KEY": true}}, []string{"restore KEY go-"}},
		"of a job that failed":  {&store{failed: true}, []string{"restore KEY go-"}},
		"a store that was away": {&store{away: errors.New("away")}, []string{"restore KEY go-", "cache KEY pkg/**"}},
	} {
		o, out := options(t, tt.store, files)
		if key == "" {
			keep.Restore(t.Context(), o, restoring)
			key = strings.Fields(tt.store.done[0])[1]
			tt.store.done = nil
			if !strings.HasPrefix(key, "go-") || len(key) != len(sum) {
				t.Fatalf("the key is %s", key)
			}
		}
		if tt.store.caches["KEY"] {
			tt.store.caches[key] = true
		}
		keep.Restore(t.Context(), o, restoring)
		o.Caches = []keep.Cache{restoring.Cache}
		last := keep.All(t.Context(), o)
		if last.Error != "" {
			t.Errorf("%s: a cache fails the job: %s", name, last.Error)
		}
		got := strings.Split(strings.ReplaceAll(strings.Join(tt.store.done, "\n"), key, "KEY"), "\n")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", name, out, diff)
		}
	}
	for name, change := range map[string]map[string]string{
		"another content": {"go.sum": "one", "sub/go.sum": "2"}, "another name": {"go.sum": "one", "other/go.sum": "two"}, "none": {},
	} {
		s := &store{}
		o, out := options(t, s, change)
		keep.Restore(t.Context(), o, restoring)
		if len(s.done) > 0 && strings.Contains(s.done[0], key) || name == "none" && !strings.Contains(out.String(), "none of its key files") {
			t.Errorf("%s: %q, %s", name, s.done, out)
		}
	}
}

// TestWhatDependsOnSuccess: only then is it asked for, which takes a moment.
func TestWhatDependsOnSuccess(t *testing.T) {
	t.Parallel()
	always, after := keep.Artifact{Name: "logs", Paths: []string{"*"}, When: keep.Always}, keep.Artifact{Name: "dist", Paths: []string{"*"}, When: keep.OnSuccess}
	for name, tt := range map[string]struct {
		artifacts []keep.Artifact
		// caches that there are, of those that the job restores.
		restores, there []string
		caches          []keep.Cache
		want            int
	}{
		"nothing":                            {},
		"always":                             {artifacts: []keep.Artifact{always}},
		"after a success":                    {artifacts: []keep.Artifact{always, after}, want: 1},
		"a cache that is there":              {restores: []string{"go"}, there: []string{"go"}, caches: []keep.Cache{{Name: "go"}}},
		"a cache that is new":                {restores: []string{"go"}, caches: []keep.Cache{{Name: "go"}}, want: 1},
		"one of two caches is new":           {restores: []string{"go", "npm"}, there: []string{"go"}, caches: []keep.Cache{{Name: "go"}, {Name: "npm"}}, want: 1},
		"a cache that nobody has looked for": {caches: []keep.Cache{{Name: "go"}}},
		"that, and a cache that is there":    {artifacts: []keep.Artifact{after}, restores: []string{"go"}, there: []string{"go"}, caches: []keep.Cache{{Name: "go"}}, want: 1},
	} {
		s := &store{caches: map[string]bool{}}
		for _, key := range tt.there {
			s.caches[key] = true
		}
		o, _ := options(t, s, nil)
		for _, key := range tt.restores {
			keep.Restore(t.Context(), o, keep.Restoring{Cache: keep.Cache{Name: key}, Key: key})
		}
		o.Artifacts, o.Caches = tt.artifacts, tt.caches
		keep.All(t.Context(), o)
		if s.asked != tt.want {
			t.Errorf("%s: it was asked %d times", name, s.asked)
		}
	}
}

// TestFetch: an artifact comes into a folder below, and never out of it.
func TestFetch(t *testing.T) {
	t.Parallel()
	s := &store{}
	o, _ := options(t, s, nil)
	if err := keep.Fetch(t.Context(), o, "build", "dist", "a/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Root.Stat("a/b/fetched"); err != nil {
		t.Error(err)
	}
	if err := keep.Fetch(t.Context(), o, "build", "dist", "../out"); err == nil {
		t.Error("it leaves the folder")
	}
}

// TestMessage: what is said fits a termination message, whatever there is to say.
func TestMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("größe ", 1000)
	last := keep.Last{Error: long, Warnings: []string{"first", long}, Tests: &tests.Summary{Tests: 9}}
	for range 10 {
		last.Tests.Failures = append(last.Tests.Failures, tests.Failure{Name: long[:500], Message: long[:400]})
	}
	data := last.Message()
	var got keep.Last
	if err := json.Unmarshal(data, &got); err != nil || len(data) > 4096 || got.Tests.Tests != 9 || len(got.Tests.Failures) == 0 || got.Error == "" {
		t.Errorf("%d bytes, %v: %+v", len(data), err, got)
	}
	if diff := cmp.Diff([]string{"first"}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
