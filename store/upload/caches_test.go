package upload_test

import (
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/test/jobpod"
)

func origin(o v1alpha1.Origin) *v1alpha1.Origin {
	o.Provider, o.Repository = v1alpha1.ProviderGitHub, "acme/web"
	return &o
}

// step is what a pod does.
type step struct {
	pod string
	// saves or restores a key.
	saves, restores string
	keys            []string
	// taken is set if the key has a cache; hit is what is restored, and from whom.
	taken     bool
	hit, from string
}

func TestScopesOfCaches(t *testing.T) {
	t.Parallel()
	pods := map[string]*jobpod.Pod{}
	for name, from := range map[string]*v1alpha1.Origin{
		"main":   origin(v1alpha1.Origin{Ref: "refs/heads/main", Branch: "main"}),
		"topic":  origin(v1alpha1.Origin{Ref: "refs/heads/topic", Branch: "topic"}),
		"tag":    origin(v1alpha1.Origin{Ref: "refs/tags/main", Tag: "main"}),
		"pull":   origin(v1alpha1.Origin{Ref: "refs/pull/7/head", PullRequest: 7, BaseBranch: "topic"}),
		"fork":   origin(v1alpha1.Origin{Ref: "refs/heads/main", PullRequest: 8, Fork: true}),
		"lost":   origin(v1alpha1.Origin{Ref: "refs/heads/main", Branch: "main", Fork: true}),
		"other":  {Provider: v1alpha1.ProviderGitHub, Repository: "acme/api", Ref: "refs/heads/main", Branch: "main"},
		"hosted": {Provider: v1alpha1.ProviderGitea, Repository: "acme/web", Ref: "refs/heads/main", Branch: "main"},
		"clock":  {Trigger: "nightly", Delivery: "2026-03-01T00:00:00Z"},
		"person": nil,
	} {
		pods[name] = jobpod.New(jobpod.Run(name, from, running("build")), "build", name)
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{name: "a branch reads what it has written", steps: []step{
			{pod: "topic", restores: "go-1"},
			{pod: "topic", saves: "go-1"},
			{pod: "topic", restores: "go-1", hit: "go-1", from: "topic"},
		}},
		{name: "the first of a key stays", steps: []step{
			{pod: "main", saves: "go-1"},
			{pod: "main", saves: "go-1", taken: true},
			{pod: "main", restores: "go-1", hit: "go-1", from: "main"},
		}},
		{name: "all of the repository read the default branch", steps: []step{
			{pod: "main", saves: "go-1"},
			{pod: "topic", restores: "go-1", hit: "go-1", from: "main"},
			{pod: "tag", restores: "go-1", hit: "go-1", from: "main"},
			{pod: "pull", restores: "go-1", hit: "go-1", from: "main"},
			{pod: "fork", restores: "go-1", hit: "go-1", from: "main"},
		}},
		{name: "a pull request reads the branch that it is to be merged into, before the default one", steps: []step{
			{pod: "main", saves: "go-1"},
			{pod: "topic", saves: "go-1"},
			{pod: "topic", saves: "go-2"},
			{pod: "pull", restores: "go-1", hit: "go-1", from: "topic"},
			{pod: "pull", restores: "go-9", keys: []string{"go-"}, hit: "go-2", from: "topic"},
			{pod: "fork", restores: "go-2"},
			{pod: "pull", saves: "go-1"},
			{pod: "pull", restores: "go-1", hit: "go-1", from: "pull"},
			{pod: "topic", restores: "go-1", hit: "go-1", from: "topic"},
		}},
		{name: "nobody else does", steps: []step{
			{pod: "main", saves: "go-1"},
			{pod: "other", restores: "go-1", keys: []string{"go-"}},
			{pod: "hosted", restores: "go-1", keys: []string{"go-"}},
			{pod: "clock", restores: "go-1", keys: []string{"go-"}},
			{pod: "person", restores: "go-1", keys: []string{"go-"}},
		}},
		{name: "what a fork writes, only its pull request reads", steps: []step{
			{pod: "fork", saves: "go-1"},
			{pod: "main", restores: "go-1", keys: []string{"go-"}},
			{pod: "topic", restores: "go-1", keys: []string{"go-"}},
			{pod: "pull", restores: "go-1", keys: []string{"go-"}},
			{pod: "tag", restores: "go-1", keys: []string{"go-"}},
			{pod: "fork", restores: "go-1", hit: "go-1", from: "fork"},
			{pod: "main", saves: "go-1"},
			{pod: "main", restores: "go-1", hit: "go-1", from: "main"},
		}},
		{name: "a fork can't change what the default branch reads", steps: []step{
			{pod: "main", saves: "go-1"},
			{pod: "fork", saves: "go-1"},
			{pod: "fork", saves: "go-2"},
			{pod: "lost", saves: "go-1"},
			{pod: "lost", saves: "go-3"},
			{pod: "main", restores: "go-1", hit: "go-1", from: "main"},
			{pod: "main", restores: "go-9", keys: []string{"go-"}, hit: "go-1", from: "main"},
		}},
		{name: "a pull request shares with no branch", steps: []step{
			{pod: "pull", saves: "go-1"},
			{pod: "topic", restores: "go-1", keys: []string{"go-"}},
			{pod: "fork", restores: "go-1", keys: []string{"go-"}},
		}},
		{name: "own scope first, then the newest of each beginning", steps: []step{
			{pod: "main", saves: "go-linux-1"},
			{pod: "main", saves: "go-linux-2"},
			{pod: "main", saves: "npm-1"},
			{pod: "topic", restores: "go-linux-9", keys: []string{"go-linux-", "npm-"}, hit: "go-linux-2", from: "main"},
			{pod: "topic", restores: "go-linux-9", keys: []string{"go-mac-", "npm-"}, hit: "npm-1", from: "main"},
			{pod: "topic", saves: "npm-0"},
			{pod: "topic", restores: "go-linux-9", keys: []string{"go-linux-", "npm-"}, hit: "npm-0", from: "topic"},
			{pod: "topic", restores: "go-linux-1", keys: []string{"npm-"}, hit: "go-linux-1", from: "main"},
		}},
		{name: "keys are told apart by each letter", steps: []step{
			{pod: "main", saves: "Go"},
			{pod: "main", restores: "go"},
			{pod: "main", saves: "go"},
			{pod: "main", saves: "a/b/../c"},
			{pod: "main", restores: "a/c"},
			{pod: "main", restores: "a/b/../c", hit: "a/b/../c", from: "main"},
			{pod: "main", saves: "ключ 🔑?&=#"},
			{pod: "main", restores: "-", keys: []string{"ключ"}, hit: "ключ 🔑?&=#", from: "main"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var all []*jobpod.Pod
			for pod := range maps.Values(pods) {
				all = append(all, jobpod.New(pod.Run.DeepCopy(), "build", pod.Pod.Name))
			}
			w := newWorld(t, all...)
			for _, s := range tt.steps {
				w.clock.SetTime(w.clock.Now().Add(time.Second))
				if diff := cmp.Diff(s, w.take(t, pods[s.pod], s), cmp.AllowUnexported(step{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// take takes a step and returns it with what has come of it.
func (w *world) take(t *testing.T, p *jobpod.Pod, s step) step {
	t.Helper()
	c := w.client(p, giveUp)
	got := step{pod: s.pod, saves: s.saves, restores: s.restores, keys: s.keys}
	if s.saves != "" {
		saved, err := c.SaveCache(t.Context(), folder(t, map[string]string{"by": p.Pod.Name}), s.saves, []string{"by"})
		if err != nil {
			t.Fatal(err)
		}
		got.taken = !saved
		return got
	}
	into := folder(t, nil)
	hit, err := c.RestoreCache(t.Context(), into, s.restores, s.keys)
	if err != nil {
		t.Fatal(err)
	}
	got.hit, got.from = hit, files(t, into)["by"]
	return got
}

// Two pods save one key at once: the first to end has it, and nothing is left of the
// other.
func TestTwoPodsSaveOneKey(t *testing.T) {
	t.Parallel()
	run := jobpod.Run("one", nil, running("a"), running("b"))
	first, second := jobpod.New(run, "a", "first"), jobpod.New(run, "b", "second")
	w := newWorld(t, first, second)
	save := func(p *jobpod.Pod) (bool, error) {
		return w.client(p, giveUp).SaveCache(t.Context(), folder(t, map[string]string{"by": p.Pod.Name}), "go-1", []string{"by"})
	}
	var begun atomic.Bool
	w.bucket.Before = func(request string) error {
		if strings.HasPrefix(request, "put ") && strings.HasSuffix(request, "/manifest.json.gz") && begun.CompareAndSwap(false, true) {
			if saved, err := save(second); !saved || err != nil {
				t.Errorf("the second saves: %t, %v", saved, err)
			}
		}
		return nil
	}
	if saved, err := save(first); saved || err != nil {
		t.Errorf("the first saves: %t, %v", saved, err)
	}
	into := folder(t, nil)
	if _, err := w.client(first, giveUp).RestoreCache(t.Context(), into, "go-1", nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"by": "second"}, files(t, into)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	objects, err := w.bucket.List(t.Context(), "caches/", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if strings.Contains(object.Name, string(first.Pod.UID)) {
			t.Errorf("%s is left", object.Name)
		}
	}
}

func TestFullCaches(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil, running("build")), "build", "build-x")
	w := newWorld(t, p)
	if err := w.bucket.Put(t.Context(), "caches/builds/old", make([]byte, bucket.MaxSize)); err != nil {
		t.Fatal(err)
	}
	w.options.Caches.Namespace = bucket.MaxSize / 2
	w.serve(t, same)
	_, err := w.client(p, giveUp).SaveCache(t.Context(), folder(t, map[string]string{"a": "b"}), "go-1", []string{"a"})
	want := `save cache "go-1": store part 0: the store says: the caches of the namespace have twice the size that they may: nothing is taken until old ones are removed, each hour`
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}
