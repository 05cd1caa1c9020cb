package upload_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/test/jobpod"
)

const size = 56 << 20

// prepare returns a store in a folder, and a Run's pod that leaves something for another.
func prepare(b *testing.B) (w *world, build, deploy *jobpod.Pod) {
	b.Helper()
	in, err := bucket.NewFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	run := jobpod.Run("one", nil, v1alpha1.JobStatus{Name: "build", Phase: v1alpha1.JobSucceeded}, running("deploy"))
	build, deploy = jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
	cluster, err := jobpod.NewCluster(build, deploy)
	if err != nil {
		b.Fatal(err)
	}
	w = &world{options: cluster.Options(in, testclock.NewFakePassiveClock(jobpod.Began()))}
	w.options.Artifacts.Run, w.options.Artifacts.Pod = 1<<40, 1<<20
	server := httptest.NewServer(pods.New(w.options))
	b.Cleanup(server.Close)
	w.url = server.URL
	return w, build, deploy
}

func BenchmarkSave(b *testing.B) {
	w, build, _ := prepare(b)
	from := folder(b, map[string]string{"a": noise(size)})
	c := w.client(build, giveUp)
	b.SetBytes(size)
	for n := 0; b.Loop(); n++ {
		if _, err := c.SaveArtifact(b.Context(), from, fmt.Sprintf("a-%d", n), []string{"a"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	w, build, deploy := prepare(b)
	if _, err := w.client(build, giveUp).SaveArtifact(b.Context(), folder(b, map[string]string{"a": noise(size)}), "a", []string{"a"}); err != nil {
		b.Fatal(err)
	}
	c, into := w.client(deploy, giveUp), folder(b, nil)
	b.SetBytes(size)
	for b.Loop() {
		if _, err := c.FetchArtifact(b.Context(), into, "build", "a"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBucket stores and reads the same bytes without anything between.
func BenchmarkBucket(b *testing.B) {
	in, err := bucket.NewFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	part := []byte(noise(8 << 20))
	b.SetBytes(size)
	for n := 0; b.Loop(); n++ {
		for i := range size / len(part) {
			if err := in.Put(b.Context(), fmt.Sprintf("a/%d/%d", n, i), part); err != nil {
				b.Fatal(err)
			}
		}
	}
}
