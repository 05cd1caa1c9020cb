package api_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/fluxcd/pkg/runtime/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// fileCommits is a repository of files that is pushed to from a test.
type fileCommits struct {
	mu      stdsync.Mutex
	commits int
	files   map[string]string
	// evaluated are the entries of the newest rendering that were.
	evaluated []string
}

func (c *fileCommits) push(change map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
	maps.Copy(c.files, change)
}

func (c *fileCommits) Head(context.Context, git.Request) (git.Revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return git.Revision{Ref: "main", Commit: fmt.Sprint("c", c.commits)}, nil
}

func (*fileCommits) Fetch(context.Context, git.Request, git.Revision) error { return nil }

func (c *fileCommits) Checkout(_ context.Context, _ git.Request, _ git.Revision, dir string) (left int, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, content := range c.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (c *fileCommits) render(ctx context.Context, opts render.Options) (render.Result, error) {
	result, err := render.Render(ctx, opts)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evaluated = result.Evaluated
	return result, err
}

func (c *fileCommits) lastEvaluated() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.evaluated)
}

// requestCounts counts what is asked about Pipelines and Jobs by verb.
type requestCounts struct {
	mu     stdsync.Mutex
	counts map[string]int
}

func countRequests(cfg *rest.Config) *requestCounts {
	c := &requestCounts{counts: map[string]int{}}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			_, kind, _ := strings.Cut(r.URL.Path, "/namespaces/")
			_, kind, _ = strings.Cut(kind, "/")
			kind, _, _ = strings.Cut(kind, "/")
			if r.URL.Query().Get("watch") == "" && (kind == "pipelines" || kind == "jobs") {
				verb := r.Method
				if r.URL.Query().Get("dryRun") != "" {
					verb = "try " + verb
				}
				c.mu.Lock()
				c.counts[verb+" "+kind]++
				c.mu.Unlock()
			}
			return next.RoundTrip(r)
		})
	})
	return c
}

func (c *requestCounts) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	c.counts = map[string]int{}
	return counts
}

// entryOf yields three Pipelines of two jobs each.
func entryOf(name, image string) string {
	return fmt.Sprintf(`local ci = import 'kayci.libsonnet';
local image = import 'image.libsonnet';
[ci.pipeline('%s-%%d' %% n, jobs=[ci.job(j, ci.script(%s, 'true')) for j in ['a', 'b']]) for n in std.range(1, 3)]`, name, image)
}

// A commit costs by what it changes: evaluations and requests are counted.
func TestCommitCostsWhatItChanges(t *testing.T) {
	cfg := serverConfig(t)
	plain := newClient(t, cfg)
	s := &repoSite{applySite: &applySite{Client: plain, namespace: newNamespace(t, plain)}}
	files := map[string]string{"image.libsonnet": "'busybox:1'"}
	for i := range 10 {
		files[fmt.Sprintf("e%d.jsonnet", i)] = entryOf(fmt.Sprintf("e%d", i), "image")
	}
	files["e9.jsonnet"] = entryOf("e9", "'fixed'")
	repository := &fileCommits{files: files, commits: 1}
	counts := countRequests(cfg)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	startManager(t, cfg, s.namespace, func(mgr ctrl.Manager) error {
		reconciler := &configrepo.Reconciler{
			Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Recorder: events.NewFakeRecorder(1000), Clock: clock.RealClock{},
			Fetcher: repository, Render: repository.render, RenderCommand: []string{self, evaluateArgument}, StoragePath: t.TempDir(),
		}
		return reconciler.SetupWithManager(mgr, controller.Options{})
	})
	if err := plain.Create(t.Context(), &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "mine"},
		Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/acme/pipelines.git"},
	}); err != nil {
		t.Fatal(err)
	}
	s.waitApplied(t)
	wantEqual(t, "evaluated at first", 10, len(repository.lastEvaluated()))
	first := counts.take()
	delete(first, "GET pipelines") // the cache reads, too
	wantEqual(t, "requests at first", map[string]int{"try PATCH pipelines": 30, "try POST jobs": 60, "PATCH pipelines": 30}, first)
	for _, test := range []struct {
		what      string
		change    map[string]string
		evaluated []string
		want      map[string]int
	}{
		{
			"one entry",
			map[string]string{"e3.jsonnet": entryOf("e3", "'busybox:2'")},
			[]string{"e3.jsonnet"},
			map[string]int{"GET pipelines": 3, "try PATCH pipelines": 3, "try POST jobs": 6, "PATCH pipelines": 3},
		},
		{"what nobody reads", map[string]string{"README.md": "hello"}, nil, map[string]int{}},
		{
			"what most import",
			map[string]string{"image.libsonnet": "'busybox:3'"},
			[]string{"e0.jsonnet", "e1.jsonnet", "e2.jsonnet", "e4.jsonnet", "e5.jsonnet", "e6.jsonnet", "e7.jsonnet", "e8.jsonnet"},
			map[string]int{"GET pipelines": 1, "try PATCH pipelines": 24, "try POST jobs": 48, "PATCH pipelines": 24},
		},
	} {
		repository.push(test.change)
		if repo := s.request(t); !conditions.IsReady(repo) {
			t.Fatalf("%s: %+v", test.what, repo.Status.Conditions)
		}
		wantEqual(t, test.what+": evaluated", test.evaluated, repository.lastEvaluated())
		wantEqual(t, test.what+": requests", test.want, counts.take())
	}
}
