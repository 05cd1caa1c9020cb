package upload_test

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/store/upload"
	"github.com/kayci/kayci/test/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

// world is a store in a cluster.
type world struct {
	bucket  *bucket.Memory
	cluster *jobpod.Cluster
	clock   *testclock.FakePassiveClock
	url     string
	options pods.Options
}

func newWorld(t *testing.T, all ...*jobpod.Pod) *world {
	t.Helper()
	cluster, err := jobpod.NewCluster(all...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{bucket: &bucket.Memory{}, cluster: cluster, clock: testclock.NewFakePassiveClock(jobpod.Began())}
	w.bucket.Now = w.clock.Now
	w.options = cluster.Options(w.bucket, w.clock)
	w.serve(t, same)
	return w
}

// serve starts the store again, as its options are now, behind something.
func (w *world) serve(t *testing.T, behind func(http.Handler) http.Handler) {
	t.Helper()
	server := httptest.NewServer(behind(pods.New(w.options)))
	t.Cleanup(server.Close)
	w.url = server.URL
}

// giveUp has a client try once.
func giveUp(context.Context, time.Duration) error { return context.DeadlineExceeded }

// atOnce has a client try again at once.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (w *world) client(p *jobpod.Pod, wait func(context.Context, time.Duration) error) *upload.Client {
	c := &upload.Client{URL: w.url, Token: func() (string, error) { return p.Token + "\n", nil }}
	c.SetWait(wait)
	return c
}

// end has a job of the Run end.
func (w *world) end(ctx context.Context, t *testing.T, p *jobpod.Pod, phase v1alpha1.JobPhase) {
	t.Helper()
	run := &v1alpha1.Run{}
	if err := w.cluster.Objects.Get(ctx, client.ObjectKeyFromObject(p.Run), run); err != nil {
		t.Fatal(err)
	}
	for i := range run.Status.Jobs {
		if job := &run.Status.Jobs[i]; job.Name == p.Job.Labels[v1alpha1.JobLabel] {
			job.Phase = phase
		}
	}
	if err := w.cluster.Objects.Status().Update(ctx, run); err != nil {
		t.Fatal(err)
	}
}

// folder returns a folder with the files.
func folder(t testing.TB, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// files returns what is in a folder.
func files(t testing.TB, root *os.Root) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := root.ReadFile(path)
		found[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func running(job string) v1alpha1.JobStatus {
	return v1alpha1.JobStatus{Name: job, Phase: v1alpha1.JobRunning}
}

// same is the store itself.
func same(h http.Handler) http.Handler { return h }
