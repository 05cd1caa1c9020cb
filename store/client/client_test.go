package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
)

const proxied = "/api/v1/namespaces/kayci/services/kayci-store:http/proxy/v1/namespaces/ci/"

// asking returns a store that answers at these paths, behind an API server.
func asking(t *testing.T, answers map[string]string) (*client.Store, *[]string) {
	t.Helper()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, proxied)
		asked = append(asked, path)
		answer, is := answers[path]
		if !is {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	store, err := client.New(&rest.Config{Host: server.URL}, client.At(types.NamespacedName{Namespace: "kayci", Name: "kayci-store"}))
	if err != nil {
		t.Fatal(err)
	}
	return store, &asked
}

func aRun(name string, edits ...func(*v1alpha1.Run)) *v1alpha1.Run {
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID("uid-" + name)}, Spec: v1alpha1.RunSpec{Pipeline: "web"},
		Status: v1alpha1.RunStatus{Number: 7, Phase: v1alpha1.RunFailed, Jobs: []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobFailed}}},
	}
	for _, edit := range edits {
		edit(run)
	}
	return run
}

func aPod(run, job, name string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: job}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
}

func text(t *testing.T, object any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const escape = "\x1b[2J"

// TestHostileRecord: what answers in the store's place shows nobody another Run, and no
// name that drives a terminal.
func TestHostileRecord(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"an empty object":       "{}",
		"no object":             "<html>",
		"nothing":               "null",
		"another Run":           text(t, records.Record{Run: aRun("web-2")}),
		"of another namespace":  text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Namespace = "other" })}),
		"of another UID":        text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.UID = "uid-x" })}),
		"a Pipeline's name":     text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Spec.Pipeline = escape })}),
		"a job's name":          text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Status.Jobs[0].Name = escape })}),
		"a phase":               text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Status.Phase = escape })}),
		"a job's reason":        text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Status.Jobs[0].Reason = escape })}),
		"a condition's reason":  text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Status.Conditions = []metav1.Condition{{Reason: escape}} })}),
		"a service's name":      text(t, records.Record{Run: aRun("web-1", func(run *v1alpha1.Run) { run.Status.Services = []v1alpha1.ServiceStatus{{Name: escape}} })}),
		"depth without an end":  strings.Repeat(`{"run":`, 20000),
		"an answer cut in half": text(t, records.Record{Run: aRun("web-1")})[:40],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, _ := asking(t, map[string]string{"runs/web-1": answer})
			if record, err := store.Run(t.Context(), "ci", "web-1", "uid-web-1"); err == nil || record != nil {
				t.Errorf("%v, %v", record, err)
			}
		})
	}
}

// TestRecord: what is fit comes whole, without pods and a specification that aren't.
func TestRecord(t *testing.T) {
	t.Parallel()
	stranger, other := aPod("web-1", "test", escape), aPod("web-1", "test", "b")
	other.Namespace = "other"
	container, label := aPod("web-1", "test", "c"), aPod("web-1", escape, "d")
	container.Spec.InitContainers = []corev1.Container{{Name: escape}}
	run := aRun("web-1", func(run *v1alpha1.Run) {
		run.Status.Conditions = []metav1.Condition{{Type: "Succeeded", Status: "False", Reason: "JobFailed", Message: escape}}
	})
	sent := records.Record{Run: run, Spec: &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: escape}}}, Pods: []corev1.Pod{stranger, aPod("web-1", "test", "a"), other, container, label}}
	store, _ := asking(t, map[string]string{"runs/web-1": text(t, sent), "pipelines/web/runs/7": text(t, sent), "pipelines/web/runs/8": text(t, sent)})
	want := &records.Record{Run: run, Pods: []corev1.Pod{aPod("web-1", "test", "a")}}
	for name, ask := range map[string]func() (*records.Record, error){
		"by name":   func() (*records.Record, error) { return store.Run(t.Context(), "ci", "web-1", "") },
		"by number": func() (*records.Record, error) { return store.Numbered(t.Context(), "ci", "web", 7) },
	} {
		got, err := ask()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if record, err := store.Numbered(t.Context(), "ci", "web", 8); err == nil {
		t.Errorf("another number: %v", record)
	}
	if record, err := store.Run(t.Context(), "ci", "web-9", ""); record != nil || err != nil {
		t.Errorf("none: %v, %v", record, err)
	}
}

// TestHostileList: of a list what is fit is left.
func TestHostileList(t *testing.T) {
	t.Parallel()
	runs := []v1alpha1.Run{*aRun(escape), *aRun("web-1"), *aRun("web-2", func(run *v1alpha1.Run) { run.Namespace = "other" })}
	store, _ := asking(t, map[string]string{"runs": text(t, serve.Runs{Items: runs})})
	got, err := store.Runs(t.Context(), records.Query{Namespace: "ci", Limit: 5})
	if diff := cmp.Diff(runs[1:2], got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestPaths: a name that leads elsewhere asks for nothing.
func TestPaths(t *testing.T) {
	t.Parallel()
	store, asked := asking(t, nil)
	for _, name := range []string{"..", "../../other/runs/web-1", "a/b", ""} {
		c := &runlogs.Container{Namespace: "ci", Run: "web-1", Job: name, UID: "uid-a", Name: "main"}
		if _, err := store.Read(t.Context(), c, runlogs.Options{}, nil); !errors.Is(err, client.ErrNotStored) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, path := range *asked {
		if !strings.HasSuffix(path, "/proxy/v1/namespaces/no-name") {
			t.Errorf("asked for %s", path)
		}
	}
}

// TestHeader: the store is shown who asks and for whom, and nothing but a Service is.
func TestHeader(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path string
		sent http.Header
		want http.Header
	}{
		"a token": {proxied, http.Header{"Authorization": {"Bearer a"}}, http.Header{"Authorization": {"Bearer a"}, "Kayci-Token": {"Bearer a"}}},
		"for another": {
			proxied,
			http.Header{"Authorization": {"Bearer a"}, "Impersonate-User": {"jane"}, "Impersonate-Group": {"b", "c"}, "Impersonate-Extra-Scope": {"d"}, "Accept": {"e"}},
			http.Header{
				"Authorization": {"Bearer a"}, "Impersonate-User": {"jane"}, "Impersonate-Group": {"b", "c"}, "Impersonate-Extra-Scope": {"d"}, "Accept": {"e"},
				"Kayci-Token": {"Bearer a"}, "Kayci-Impersonate-User": {"jane"}, "Kayci-Impersonate-Group": {"b", "c"}, "Kayci-Impersonate-Extra-Scope": {"d"},
			},
		},
		"no token":       {proxied, http.Header{"Impersonate-User": {"jane"}}, http.Header{"Impersonate-User": {"jane"}}},
		"the API server": {"/api/v1/pods", http.Header{"Authorization": {"Bearer a"}}, http.Header{"Authorization": {"Bearer a"}}},
	} {
		var got http.Header
		next := roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return &http.Response{Body: http.NoBody}, nil
		})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil)
		r.Header = tt.sent.Clone()
		answer, err := client.Header(next).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if diff := cmp.Diff([]http.Header{tt.want, tt.sent}, []http.Header{got, r.Header}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestHostileLog: what comes before a log is bounded.
func TestHostileLog(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"no end": strings.Repeat("x", 8<<20), "no head": "x\n", "nothing": ""} {
		store, _ := asking(t, map[string]string{"runs/web-1/logs/test/uid-a/main": answer})
		c := &runlogs.Container{Namespace: "ci", Run: "web-1", Job: "test", UID: "uid-a", Name: "main"}
		if _, err := store.Read(t.Context(), c, runlogs.Options{}, func(*runlogs.Line) error { return nil }); err == nil {
			t.Errorf("%s is a log", name)
		}
	}
}

// TestPodsOfReusedJobs: the pods of a job that was taken from an earlier Run are found in
// that one's record, unless the Run's own has them.
func TestPodsOfReusedJobs(t *testing.T) {
	t.Parallel()
	run := aRun("web-2", func(run *v1alpha1.Run) {
		run.Status.Jobs = []v1alpha1.JobStatus{{Name: "build", ReusedFrom: "web-1"}, {Name: "lint", ReusedFrom: "web-0"}, {Name: "gone", ReusedFrom: "web-9"}, {Name: "test"}}
	})
	own := []corev1.Pod{aPod("web-2", "test", "a"), aPod("web-0", "lint", "b")}
	earlier := []corev1.Pod{aPod("web-1", "build", "c"), aPod("web-0", "lint", "b")}
	store, asked := asking(t, map[string]string{
		"runs/web-2": text(t, records.Record{Run: run, Pods: own}), "runs/web-1": text(t, records.Record{Run: aRun("web-1"), Pods: earlier}),
	})
	got, err := store.Pods(context.Background(), run)
	if diff := cmp.Diff(append(own, earlier[0]), got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"runs/web-2", "runs/web-1", "runs/web-9"}, *asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
