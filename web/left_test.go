package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	clientfake "sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/stored"
	"github.com/kayci/kayci/web/static"
)

// leaving is a server whose store has what the job test of the Run web-2 has left, and
// that Run.
func leaving(t *testing.T) (*server, *v1alpha1.Run) {
	t.Helper()
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-2", UID: "uid-2"},
		Spec:       v1alpha1.RunSpec{Pipeline: "web"}, Status: v1alpha1.RunStatus{Number: 2},
	}
	in := &bucket.Memory{}
	of := place.Artifact{Run: records.PlaceOf(run), Job: "test", Pod: "pod-1", Name: "site"}
	stored.Artifact(t, in, of, time.Unix(0, 0), map[string]string{"<b>\u202e.html": "<script>1</script>", "d/l": "-> e"})
	of.Job = "build"
	stored.Artifact(t, in, of, time.Unix(0, 0), map[string]string{"x": "x"})
	stored.Report(t, in, of.Run, "test", "pod-1", &tests.Report{Tests: 3, Failed: 2, Cases: []tests.Case{
		{Name: "TestA", State: tests.Failed, Message: "<b>\u202e", Details: "a_test.go:1:\n\tgot <i>\x1b\n"}, {Class: "c", Name: "TestB", State: tests.Failed}, {Name: "TestC", State: tests.Passed},
	}})
	earlier := of.Run
	earlier.Name, earlier.UID = "web-1", "uid-1"
	if err := in.Put(t.Context(), earlier.IndexEntry(1), nil); err != nil {
		t.Fatal(err)
	}
	stored.Report(t, in, earlier, "test", "pod-1", &tests.Report{Cases: []tests.Case{{Name: "TestA", State: tests.Failed}, {Class: "c", Name: "TestB", State: tests.Passed}}})
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	cluster := &cluster{client: clientfake.NewClientBuilder().WithScheme(scheme).WithObjects(run).Build(), kept: stored.Serve(t, in)}
	return &server{Options: Options{Patience: time.Minute, Clock: clock.RealClock{}, Log: logr.Discard()}, cluster: cluster}, run
}

func testsJob(name string) *view.Job {
	return &view.Job{Name: name, Tests: &view.Tests{Failures: []view.FailedTest{{Name: "TestA"}}}}
}

// TestLeft: what the store has of a job, and how it stands on the page: no text of a job
// is more than text there.
func TestLeft(t *testing.T) {
	t.Parallel()
	s, run := leaving(t)
	const file = "/ns/ci/runs/web-2/jobs/test/artifacts/site"
	want := &left{
		Artifacts: []artifact{{Name: "site", Path: file, Files: 3, Bytes: 18, Listed: []listedFile{{Name: "<b>\u202e.html", Path: file + "?path=%3Cb%3E%E2%80%AE.html", Shown: file + "?path=%3Cb%3E%E2%80%AE.html&show=1", Bytes: 18}}}},
		Failed: []failedTest{
			{Name: "TestA", Message: `<b>\u202e`, Details: "a_test.go:1:\n" + `    got <i>\x1b`, Said: "failed in 1 of 1 earlier Runs"},
			{Class: "c", Name: "TestB", Said: "new, failed in 0 of 1 earlier Runs"},
		},
	}
	got := s.left(t.Context(), run, testsJob("test"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := parsePages(files, clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	for name, body := range map[string]any{"failures": got, "artifacts": got.Artifacts} {
		if err := pages.parts.ExecuteTemplate(&html, name, body); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{
		`<strong>TestA</strong>: &lt;b&gt;\u202e <span class="why">(failed in 1 of 1 earlier Runs)</span>`,
		"<pre>a_test.go:1:\n    got &lt;i&gt;\\x1b</pre>",
		`<a href="` + file + `?path=%3Cb%3E%E2%80%AE.html&amp;show=1">&lt;b&gt;\u202e.html</a> <span class="why">18 B</span> <a href="` + file + `?path=%3Cb%3E%E2%80%AE.html">save</a>`,
	} {
		if !strings.Contains(html.String(), part) {
			t.Errorf("there is no %s in\n%s", part, &html)
		}
	}
}

// TestNothingIsLeft: what there is nothing of says nothing.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	s, run := leaving(t)
	if diff := cmp.Diff(&left{}, s.left(t.Context(), run, testsJob("deploy"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.cluster.kept = nil
	if diff := cmp.Diff(&left{}, s.left(t.Context(), run, testsJob("test"))); diff != "" {
		t.Errorf("without a store (-want +got):\n%s", diff)
	}
}

// TestArtifactIsSaved: a browser saves what a job has left, and shows nothing of it.
func TestArtifactIsSaved(t *testing.T) {
	t.Parallel()
	s, _ := leaving(t)
	type saved struct {
		Status            int
		Kind, As, Sandbox string
		Text              string
	}
	const sandbox = "default-src 'none'; sandbox; frame-ancestors 'none'"
	for path, want := range map[string]saved{
		"test/artifacts/site?path=%3Cb%3E%E2%80%AE.html":        {200, "application/octet-stream", "attachment; filename*=utf-8''%3Cb%3E%E2%80%AE.html", sandbox, "<script>1</script>"},
		"build/artifacts/site?path=x":                           {200, "application/octet-stream", "attachment; filename=x", sandbox, "x"},
		"test/artifacts/site?path=%3Cb%3E%E2%80%AE.html&show=1": {200, "text/html; charset=utf-8", "", "style-src 'unsafe-inline'; img-src data:; " + sandbox, "<script>1</script>"},
		"build/artifacts/site?path=x&show=1":                    {200, "application/octet-stream", "attachment; filename=x", sandbox, "x"},
		"build/artifacts/site?show=1":                           {200, "application/x-tar", "attachment; filename=build-site.tar", sandbox, ""},
		"build/artifacts/site?path=y":                           {404, "", "", "", ""},
		"build/artifacts/other":                                 {404, "", "", "", ""},
		"build/artifacts/..%2f..":                               {404, "", "", "", ""},
		"..%2f../artifacts/site":                                {404, "", "", "", ""},
	} {
		mux := http.NewServeMux()
		status := http.StatusOK
		mux.HandleFunc("GET /ns/{ns}/runs/{run}/jobs/{job}/artifacts/{artifact}", func(w http.ResponseWriter, r *http.Request) {
			if err := s.artifact(w, r); err != nil {
				status = s.explain(r, err).Status
			}
		})
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ns/ci/runs/web-2/jobs/"+path, nil))
		h := answer.Header()
		if h.Get("Content-Type") == "application/x-tar" {
			answer.Body.Reset()
		}
		got := saved{status, h.Get("Content-Type"), h.Get("Content-Disposition"), h.Get("Content-Security-Policy"), answer.Body.String()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
