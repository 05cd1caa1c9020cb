package serve_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/test/stored"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// place of the Run that a world has.
func ofWorld() place.Run {
	return place.Run{Namespace: "ci", Pipeline: "web", Name: "web-1", UID: "uid-1"}
}

// left has the Run leave artifacts: of the job build's two pods, the newer one counts.
func (w *world) left(t *testing.T) {
	t.Helper()
	of := place.Artifact{Run: ofWorld(), Job: "build", Pod: "pod-2", Name: "dist"}
	stored.Artifact(t, w.bucket, of, day(2), map[string]string{"a.html": "<script>1</script>", "b/c": "see", "l": "-> a.html"})
	of.Pod = "pod-1"
	stored.Artifact(t, w.bucket, of, day(1), map[string]string{"old": "old"})
	of.Name = "notes"
	stored.Artifact(t, w.bucket, of, day(1), map[string]string{"n": ""})
}

const ofArtifacts = ofRun + "/artifacts"

// TestArtifacts: what a Run has left is read by who may get Runs, and nothing else is.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.left(t)
	runs, logs := "Bearer token-of-runs", "Bearer token-of-logs"
	for name, tt := range map[string]struct {
		path, token string
		status      int
		text        string
	}{
		"all": {
			ofArtifacts, runs, 200, `{"items":[{"job":"build","name":"dist","pod":"pod-2","files":4,"bytes":21,"stored":"2026-01-02T00:00:00Z"},` +
				`{"job":"build","name":"notes","pod":"pod-1","files":1,"bytes":0,"stored":"2026-01-01T00:00:00Z"}]}`,
		},
		"of a Run without a record": {"/v1/namespaces/ci/runs/new/artifacts?pipeline=web&uid=uid-9", runs, 200, `{"items":[]}`},
		"of no Run":                 {"/v1/namespaces/ci/runs/new/artifacts", runs, 404, "run new: no object has this name"},
		"of another Run of a name":  {ofArtifacts + "?uid=uid-9", runs, 404, "run web-1: no object has this name"},
		"of nobody's":               {ofArtifacts, logs, 403, "forbidden: logs may not get runs in namespace ci"},
		"a tar of nobody's":         {ofArtifacts + "/build/dist", logs, 403, "forbidden: logs may not get runs in namespace ci"},
		"a file of nobody's":        {ofArtifacts + "/build/dist/files?path=b/c", logs, 403, "forbidden: logs may not get runs in namespace ci"},
		"a report of nobody's":      {ofRun + "/tests/build", logs, 403, "forbidden: logs may not get runs in namespace ci"},
		"another namespace":         {"/v1/namespaces/other/runs/web-1/artifacts?pipeline=web&uid=uid-1", runs, 403, "forbidden: runs may not get runs in namespace other"},
		"a Run that leads away":     {ofArtifacts + "?pipeline=..&uid=uid-1", runs, 400, `no name: pipeline ".."`},
		"a job that leads away":     {ofArtifacts + "/..%2f..%2fx/dist", runs, 400, `no name: job "../../x"`},
		"a name that leads away":    {ofArtifacts + "/build/..%2fdist", runs, 400, `no name: artifact "../dist"`},
		"a job without":             {ofArtifacts + "/test/dist", runs, 404, "artifact dist of job test: no object has this name"},
		"a name without":            {ofArtifacts + "/build/x/files", runs, 404, "artifact x of job build: no object has this name"},
		"a file":                    {ofArtifacts + "/build/dist/files?path=b/c", runs, 200, "see"},
		"a file of an older pod":    {ofArtifacts + "/build/dist/files?path=old", runs, 404, `the artifact has no such file: "old"`},
		"a file outside":            {ofArtifacts + "/build/dist/files?path=../a.html", runs, 404, `the artifact has no such file: "../a.html"`},
		"a link":                    {ofArtifacts + "/build/dist/files?path=l", runs, 404, `the artifact has no such file: "l" is a folder or a symbolic link`},
		"no number of files":        {ofArtifacts + "/build/dist/files?limit=x", runs, 400, `no name: "x" is no number`},
		"no report":                 {ofRun + "/tests/build", runs, 404, "the report on the tests of job build: no object has this name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, text := w.get(t, tt.path, "Authorization", tt.token)
			if diff := cmp.Diff([]any{tt.status, tt.text}, []any{status, strings.TrimSpace(text)}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFilesOfAnArtifact: they are listed by their paths, the first ones if so many are
// asked for.
func TestFilesOfAnArtifact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.left(t)
	for query, want := range map[string]string{
		"":         "4 a.html b b/c l",
		"?limit=2": "4 a.html b",
		"?limit=0": "4",
	} {
		var got struct {
			Total int
			Items []struct{ Path string }
		}
		w.decode(t, ofArtifacts+"/build/dist/files"+query, &got)
		said := fmt.Sprint(got.Total)
		for _, item := range got.Items {
			said += " " + item.Path
		}
		if said != want {
			t.Errorf("%s: %s, want %s", query, said, want)
		}
	}
}

// TestArtifactsAreAttached: a browser saves what jobs have left, and runs nothing of it.
func TestArtifactsAreAttached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.left(t)
	for path, want := range map[string]string{
		ofArtifacts + "/build/dist":                       "application/x-tar\nattachment; filename=build-dist.tar\n",
		ofArtifacts + "/build/dist/files?path=a.html":     "application/octet-stream\nattachment; filename=a.html\n18",
		ofArtifacts + "/build/notes/files?path=n":         "application/octet-stream\nattachment; filename=n\n0",
		ofArtifacts + "/build/dist/files?path=b/../a.htm": "application/json\n\n",
	} {
		answer := w.ask(t, path)
		_ = answer.Body.Close()
		header := answer.Header
		got := header.Get("Content-Type") + "\n" + header.Get("Content-Disposition") + "\n"
		if strings.HasPrefix(header.Get("Content-Type"), "application/octet") {
			got += header.Get("Content-Length")
		}
		if got != want || header.Get("X-Content-Type-Options") != "nosniff" || answer.StatusCode == http.StatusOK && header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" {
			t.Errorf("%s: %q, want %q, %v", path, got, want, header)
		}
	}
}

// TestTar: all files come as tar reads them.
func TestTar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.left(t)
	answer := w.ask(t, ofArtifacts+"/build/dist")
	defer answer.Body.Close()
	got := map[string]string{}
	for all := tar.NewReader(answer.Body); ; {
		header, err := all.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(all)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = header.Linkname + string(text)
	}
	want := map[string]string{"a.html": "<script>1</script>", "b/": "", "b/c": "see", "l": "a.html"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBrokenArtifact: what can't be read to its end doesn't look as if it had one.
func TestBrokenArtifact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	of := place.Artifact{Run: ofWorld(), Job: "build", Pod: "pod-1", Name: "dist"}
	noise := make([]byte, 2*archive.PartSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	stored.Artifact(t, w.bucket, of, day(1), map[string]string{"a": string(noise), "b": "b"})
	if err := w.bucket.Delete(t.Context(), of.Upload("upload-0123456789")+"00002"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/files?path=a"} {
		answer := w.ask(t, ofArtifacts+"/build/dist"+path)
		if n, err := io.Copy(io.Discard, answer.Body); answer.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %d, %d bytes, %v", path, answer.StatusCode, n, err)
		}
		_ = answer.Body.Close()
	}
	if status, text := w.get(t, ofArtifacts+"/build/dist/files?path=b", "Authorization", "Bearer token-of-runs"); status != http.StatusNotFound {
		t.Errorf("%d: %s", status, text)
	}
}

func reported(cases ...tests.Case) *tests.Report {
	r := &tests.Report{Tests: len(cases), Cases: cases}
	for _, c := range cases {
		if c.State == tests.Failed {
			r.Failed++
		}
	}
	return r
}

// TestTests: the newest pod's report comes, with what earlier Runs say of failures.
func TestTests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failed, passed := tests.Case{Name: "TestA", State: tests.Failed, Message: "no"}, tests.Case{Name: "TestA", State: tests.Passed}
	other := tests.Case{Name: "TestB", State: tests.Failed}
	w.bucket.Now = func() time.Time { return day(1) }
	stored.Report(t, w.bucket, ofWorld(), "test", "pod-1", reported(passed))
	w.bucket.Now = func() time.Time { return day(2) }
	stored.Report(t, w.bucket, ofWorld(), "test", "pod-2", reported(failed))
	for number, report := range map[int64]*tests.Report{5: reported(other), 4: reported(passed, other), 3: nil, 2: reported(failed)} {
		run := ofWorld()
		run.Name, run.UID = fmt.Sprintf("web-%d", number), "uid-x"
		if err := w.bucket.Put(t.Context(), run.IndexEntry(number), nil); err != nil {
			t.Fatal(err)
		}
		if report != nil {
			stored.Report(t, w.bucket, run, "test", "pod-1", report)
		}
	}
	trend := tests.Trend{ID: failed.ID(), Name: "TestA"}
	var none []tests.Trend
	all, newest, old := trend, trend, trend
	all.Failed, all.Of, all.New, all.Flaky = 1, 2, true, true
	newest.Of, newest.New = 1, true
	old.Failed, old.Of = 1, 1
	for query, want := range map[string][]tests.Trend{
		"":                     none,
		"?history=0":           none,
		"?history=20":          {all},
		"?history=2":           {newest},
		"?history=2&failed=1":  {newest},
		"?history=20&before=4": {old},
	} {
		type answer struct {
			tests.Report
			Trends []tests.Trend
		}
		var got answer
		w.decode(t, ofRun+"/tests/test"+query, &got)
		if diff := cmp.Diff(answer{*reported(failed), want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}
