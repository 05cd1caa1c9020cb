package api_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/test/githost"
)

// TestAnIdleMinuteWritesNothing runs the whole program: a repository that is
// looked at every ten seconds, a Pipeline, a Trigger, a finished Run, and
// defaults for jobs, of which a change is seen at once.
func TestAnIdleMinuteWritesNothing(t *testing.T) {
	t.Parallel()
	const looks, interval = 6, 10 * time.Second
	person := newClient(t, serverConfig(t))
	namespace := newNamespace(t, person)
	defaults := createDefaults(t, person)
	address, looked := serveExample(t, "hello-world")
	cfg := serverConfig(t)
	writes := watchWrites(cfg)
	mgr, err := controllers.NewManager(cfg, controllers.Options{
		WatchNamespaces: []string{namespace},
		WebhookAddress:  "127.0.0.1:0",
		MetricsAddress:  "0",
		ProbeAddress:    "0",
		StoragePath:     t.TempDir(),
		RenderCommand:   []string{os.Args[0], evaluateArgument},
		Concurrent:      2,
		JobDefaults:     client.ObjectKeyFromObject(defaults),
	})
	if err != nil {
		t.Fatal(err)
	}
	runManager(t, mgr)
	makeRepo(t, person, namespace, address, interval)
	waitPipeline(t, person, namespace, "hello-world")
	finishRun(t, person, namespace, &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "hello"},
		Spec:       v1alpha1.RunSpec{Pipeline: "hello-world"},
	})
	if wrote := settle(t, writes); len(wrote) == 0 {
		t.Fatal("nothing was written at all: the writes are not seen")
	}

	before := looked.Load()
	err = wait.PollUntilContextTimeout(t.Context(), time.Second, 3*looks*interval, true, func(context.Context) (bool, error) {
		return looked.Load() >= before+looks, nil
	})
	if err != nil {
		t.Fatalf("the repository was looked at %d times, expected %d: %v", looked.Load()-before, looks, err)
	}
	if wrote := writes.take(); len(wrote) > 0 {
		t.Errorf("wrote in an idle minute: %v", wrote)
	}
	changeDefaults(t, person, namespace, defaults)
}

// createDefaults makes a ConfigMap in a namespace that KayCI doesn't serve.
func createDefaults(t *testing.T, c client.Client) *corev1.ConfigMap {
	t.Helper()
	defaults := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(t, c), Name: "job-defaults"},
		Data:       map[string]string{"jobTemplate": "metadata: {labels: {queue: first}}"},
	}
	if err := c.Create(t.Context(), defaults); err != nil {
		t.Fatal(err)
	}
	return defaults
}

// changeDefaults waits until the Pipeline has the revision with others.
func changeDefaults(t *testing.T, c client.Client, namespace string, defaults *corev1.ConfigMap) {
	t.Helper()
	defaults.Data = map[string]string{"jobTemplate": "metadata: {labels: {queue: second}}"}
	if err := c.Update(t.Context(), defaults); err != nil {
		t.Fatal(err)
	}
	var seen string
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		var pipeline v1alpha1.Pipeline
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "hello-world"}, &pipeline); err != nil {
			return false, err
		}
		var rev appsv1.ControllerRevision
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: pipeline.Status.Revision}, &rev); err != nil {
			return false, client.IgnoreNotFound(err)
		}
		spec, err := revision.Spec(&rev)
		if err != nil {
			return false, err
		}
		seen = spec.Jobs[0].Template.Labels["queue"]
		return seen == "second", nil
	})
	if err != nil {
		t.Errorf("the Pipeline's revision has the defaults %q: %v", seen, err)
	}
}

// serveExample serves an example as a git repository, and counts how often its
// references are asked for.
func serveExample(t *testing.T, name string) (string, *atomic.Int64) {
	t.Helper()
	host, err := githost.Start(t.Context(), t.TempDir(), "127.0.0.1:0", githost.Credentials{Username: "git", Password: rand.Text()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	repository, err := host.Create(t.Context(), name, filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	if err := repository.Copy(os.DirFS(filepath.Join("..", "..", "examples", name))); err != nil {
		t.Fatal(err)
	}
	if _, err := repository.Push(t.Context(), "Say hello"); err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(host.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	looked := &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if filepath.Base(r.URL.Path) == "refs" {
			looked.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL + target.Path, looked
}

func makeRepo(t *testing.T, c client.Client, namespace, address string, interval time.Duration) {
	t.Helper()
	err := c.Create(t.Context(), &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pipelines"},
		Spec:       v1alpha1.ConfigRepoSpec{URL: address, Interval: &metav1.Duration{Duration: interval}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waitPipeline(t *testing.T, c client.Client, namespace, name string) {
	t.Helper()
	eventually(t, "pipeline "+name+" is synced", func(ctx context.Context) error {
		var repos v1alpha1.ConfigRepoList
		if err := c.List(ctx, &repos, client.InNamespace(namespace)); err != nil {
			return err
		}
		err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.Pipeline{})
		if err != nil {
			return fmt.Errorf("%w; the ConfigRepos: %+v", err, repos.Items)
		}
		return nil
	})
}
