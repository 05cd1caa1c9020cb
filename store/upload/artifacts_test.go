package upload_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/artifacts"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/upload"
	"github.com/kayci/kayci/test/jobpod"
)

// noise is text that doesn't compress.
func noise(size int) string {
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, size)
	_, _ = random.Read(data)
	return string(data)
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	run := jobpod.Run("one", nil, running("build"), running("deploy"))
	build, deploy := jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
	w := newWorld(t, build, deploy)
	want := map[string]string{"dist/app": noise(20 << 20), "dist/doc/index.html": "<html>"}
	from := folder(t, map[string]string{"dist/app": want["dist/app"], "dist/doc/index.html": "<html>", "src/main.go": "package main"})
	sent, err := w.client(build, giveUp).SaveArtifact(t.Context(), from, "dist", []string{"dist/**"})
	if err != nil {
		t.Fatal(err)
	}
	w.end(t.Context(), t, build, v1alpha1.JobSucceeded)
	into := folder(t, nil)
	fetched, err := w.client(deploy, giveUp).FetchArtifact(t.Context(), into, "build", "dist")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]upload.Saved{{Files: 4, Bytes: 20<<20 + 6}, {Files: 4, Bytes: 20<<20 + 6}}, []upload.Saved{sent, fetched}); diff != "" {
		t.Errorf("what was sent and fetched (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, files(t, into)); diff != "" {
		t.Error("the files aren't those that were sent")
	}
}

func TestArtifactRefused(t *testing.T) {
	t.Parallel()
	run := jobpod.Run("one", nil, running("build"), running("deploy"), v1alpha1.JobStatus{Name: "lint", Phase: v1alpha1.JobSucceeded})
	build, deploy := jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
	w := newWorld(t, build, deploy)
	w.options.Artifacts.Run = 1 << 20
	w.serve(t, same)
	save := func(name, text string) error {
		_, err := w.client(build, atOnce).SaveArtifact(t.Context(), folder(t, map[string]string{"file": text}), name, []string{"**"})
		return err
	}
	fetch := func(job, name string) error {
		_, err := w.client(deploy, atOnce).FetchArtifact(t.Context(), folder(t, nil), job, name)
		return err
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fetch("build", "dist"), "fetch artifact dist of job build: the store says: job build has not ended: name it in needs"},
		{fetch("lint", "dist"), "fetch artifact dist of job lint: the store says: job lint has left no artifact dist"},
		{fetch("none", "dist"), "fetch artifact dist of job none: the store says: the Run has no job none"},
		{fetch("..", "dist"), `fetch artifact dist of job ..: ".." is no job: it has up to 63 small letters, digits and dashes`},
		{fetch("Build", "dist"), `fetch artifact dist of job Build: "Build" is no job: it has up to 63 small letters, digits and dashes`},
		{save("a/b", ""), `save artifact a/b: "a/b" is no name: it has up to 63 small letters, digits and dashes`},
		{save("big", noise(2<<20)), "save artifact big: store part 0: the store says: the artifacts of the Run are as large as they may be together: keep less"},
		{save("huge", strings.Repeat("a", 65<<20)), "save artifact huge: the files have more than 67108864 bytes together, with the 68157440 of \"file\""},
		{save("one", "1"), ""},
		{save("one", "1"), ""},
		{save("one", "2"), "save artifact one: the store says: the pod has stored an artifact one with other files: it can't be changed"},
		{save("two", "1"), ""},
		{save("three", "1"), ""},
		{save("four", "1"), ""},
		{save("five", "1"), "save artifact five: store part 0: the store says: the job has as many artifacts as it may: put files together"},
	} {
		said := ""
		if tt.err != nil {
			said = tt.err.Error()
		}
		if diff := cmp.Diff(tt.want, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// The status says that a job has ended a moment after the next one has started.
func TestFetchWaitsForTheStatus(t *testing.T) {
	t.Parallel()
	run := jobpod.Run("one", nil, running("build"), running("deploy"))
	build, deploy := jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
	w := newWorld(t, build, deploy)
	if _, err := w.client(build, giveUp).SaveArtifact(t.Context(), folder(t, map[string]string{"a": "b"}), "dist", []string{"a"}); err != nil {
		t.Fatal(err)
	}
	var waited []time.Duration
	c := w.client(deploy, func(ctx context.Context, d time.Duration) error {
		if waited = append(waited, d); len(waited) == 2 {
			w.end(ctx, t, build, v1alpha1.JobFailed)
		}
		return nil
	})
	into := folder(t, nil)
	if _, err := c.FetchArtifact(t.Context(), into, "build", "dist"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{2 * time.Second, 2 * time.Second}, waited); diff != "" {
		t.Errorf("waited (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, files(t, into)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever the newest pod of a job has left counts, in whatever order they came.
func TestNewestPodCounts(t *testing.T) {
	t.Parallel()
	run := jobpod.Run("one", nil, running("build"), running("deploy"))
	first, second, deploy := jobpod.New(run, "build", "build-1"), jobpod.New(run, "build", "build-2"), jobpod.New(run, "deploy", "deploy-x")
	second.Pod.CreationTimestamp = metav1.NewTime(jobpod.Began().Add(time.Minute))
	w := newWorld(t, first, second, deploy)
	for _, p := range []*jobpod.Pod{second, first} {
		if _, err := w.client(p, giveUp).SaveArtifact(t.Context(), folder(t, map[string]string{"by": p.Pod.Name}), "dist", []string{"**"}); err != nil {
			t.Fatal(err)
		}
	}
	w.end(t.Context(), t, first, v1alpha1.JobSucceeded)
	into := folder(t, nil)
	if _, err := w.client(deploy, giveUp).FetchArtifact(t.Context(), into, "build", "dist"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"by": "build-2"}, files(t, into)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	listed, err := artifacts.List(t.Context(), w.bucket, records.PlaceOf(run))
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != 1 || listed[0].Pod != second.Pod.UID {
		t.Errorf("listed are %+v", listed)
	}
}

// A retried Run takes what its earlier Run has left, whether that is still there or not.
func TestReusedJobs(t *testing.T) {
	t.Parallel()
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("gone %t", gone), func(t *testing.T) {
			t.Parallel()
			old := jobpod.Run("old", nil, running("build"))
			reused := v1alpha1.JobStatus{Name: "build", Phase: v1alpha1.JobSucceeded, ReusedFrom: "old"}
			build, deploy := jobpod.New(old, "build", "build-x"), jobpod.New(jobpod.Run("new", nil, reused, running("deploy")), "deploy", "deploy-x")
			w := newWorld(t, build, deploy)
			if _, err := w.client(build, giveUp).SaveArtifact(t.Context(), folder(t, map[string]string{"a": "b"}), "dist", []string{"**"}); err != nil {
				t.Fatal(err)
			}
			if gone {
				if err := records.Put(t.Context(), w.bucket, &records.Record{Run: old}); err != nil {
					t.Fatal(err)
				}
				if err := w.cluster.Objects.Delete(t.Context(), old); err != nil {
					t.Fatal(err)
				}
			}
			into := folder(t, nil)
			if _, err := w.client(deploy, giveUp).FetchArtifact(t.Context(), into, "build", "dist"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"a": "b"}, files(t, into)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What a pod names is of its own Run, even if another has jobs of the same names.
func TestRunsAreApart(t *testing.T) {
	t.Parallel()
	jobs := []v1alpha1.JobStatus{{Name: "build", Phase: v1alpha1.JobSucceeded}, running("deploy")}
	a, b := jobpod.Run("a", nil, jobs...), jobpod.Run("b", nil, jobs...)
	buildA, deployB := jobpod.New(a, "build", "build-a"), jobpod.New(b, "deploy", "deploy-b")
	buildB := jobpod.New(b, "build", "build-b")
	w := newWorld(t, buildA, deployB, buildB)
	save := func(p *jobpod.Pod) {
		t.Helper()
		if _, err := w.client(p, giveUp).SaveArtifact(t.Context(), folder(t, map[string]string{"by": p.Pod.Name}), "dist", []string{"**"}); err != nil {
			t.Fatal(err)
		}
	}
	save(buildA)
	_, err := w.client(deployB, giveUp).FetchArtifact(t.Context(), folder(t, nil), "build", "dist")
	if want := "fetch artifact dist of job build: the store says: job build has left no artifact dist"; err == nil || err.Error() != want {
		t.Errorf("Run b reads what is Run a's: %v", err)
	}
	save(buildB)
	for run, want := range map[*v1alpha1.Run]string{a: "build-a", b: "build-b"} {
		found, err := artifacts.Find(t.Context(), w.bucket, records.PlaceOf(run), "build", "dist")
		if err != nil {
			t.Fatal(err)
		}
		m, get, err := found.Read(t.Context(), w.bucket, jobpod.Limits())
		if err != nil {
			t.Fatal(err)
		}
		into := folder(t, nil)
		if err := archive.Unpack(t.Context(), into, m, jobpod.Limits(), get); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"by": want}, files(t, into)); diff != "" {
			t.Errorf("Run %s (-want +got):\n%s", run.Name, diff)
		}
	}
}
