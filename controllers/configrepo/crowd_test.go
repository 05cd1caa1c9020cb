package configrepo_test

import (
	"context"
	"fmt"
	"path/filepath"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
)

// crowd is many ConfigRepos of one reconciler, each with a repository that gets a
// commit every few minutes.
type crowd struct {
	*world
	start time.Time

	mu        stdsync.Mutex
	evaluated map[string]int
	hanging   map[string]bool
}

const commitEvery = 10 * time.Minute

func (c *crowd) commit() string { return fmt.Sprintf("c%d", time.Since(c.start)/commitEvery) }

func (c *crowd) Head(ctx context.Context, req git.Request) (git.Revision, error) {
	if c.hanging[req.URL] {
		<-ctx.Done()
		return git.Revision{}, fmt.Errorf("ask for the head: %w", ctx.Err())
	}
	if req.URL == "bad" {
		return git.Revision{Ref: "main", Commit: "loop"}, nil
	}
	return git.Revision{Ref: "main", Commit: c.commit()}, nil
}

// evaluate never ends for the bad one, and takes a second for the good ones.
func (c *crowd) evaluate(ctx context.Context, opts render.Options) (render.Result, error) {
	name := filepath.Base(filepath.Dir(opts.Dir))
	c.mu.Lock()
	c.evaluated[name]++
	c.mu.Unlock()
	if name == "bad" {
		return render.Result{}, tooSlow(ctx)
	}
	<-time.After(time.Second)
	object := webPipeline("busybox:1")
	object.Object.SetName(name)
	return render.Result{Objects: []render.Object{object}}, nil
}

// live reconciles one ConfigRepo when that is due or it is woken, on one of the
// workers, until the context ends.
func (c *crowd) live(ctx context.Context, t *testing.T, name types.NamespacedName, woken <-chan struct{}, workers chan struct{}) {
	t.Helper()
	for ctx.Err() == nil {
		workers <- struct{}{}
		result, err := c.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: name})
		<-workers
		if err != nil && ctx.Err() == nil {
			t.Errorf("%s: %v", name, err)
		}
		var due <-chan time.Time
		if result.RequeueAfter > 0 {
			due = time.After(result.RequeueAfter)
		}
		select {
		case <-due:
		case <-woken:
		case <-ctx.Done():
		}
	}
}

// newCrowd has one bad ConfigRepo, some whose servers never answer, and good ones.
func newCrowd(t *testing.T, good, hanging int) (*crowd, []client.Object) {
	t.Helper()
	c := &crowd{start: time.Now(), evaluated: map[string]int{}, hanging: map[string]bool{}}
	var repos []client.Object
	add := func(name string, interval, timeout time.Duration) {
		repo := namedRepo(name)
		repo.UID = types.UID(name)
		repo.Spec.URL = name
		repo.Spec.Interval, repo.Spec.Timeout = &metav1.Duration{Duration: interval}, &metav1.Duration{Duration: timeout}
		repos = append(repos, repo)
	}
	add("bad", 10*time.Second, 30*time.Minute)
	for i := range hanging {
		name := fmt.Sprintf("hanging-%d", i)
		c.hanging[name] = true
		add(name, 10*time.Second, 30*time.Minute)
	}
	for i := range good {
		add(fmt.Sprintf("good-%d", i), 4*time.Minute, time.Minute)
	}
	c.world = newWorld(t, repos...)
	c.reconciler.Clock, c.reconciler.Fetcher, c.reconciler.Render = clock.RealClock{}, c, c.evaluate
	return c, repos
}

// begin reconciles all on four workers until end is called.
func (c *crowd) begin(t *testing.T, repos []client.Object) (end func()) {
	t.Helper()
	woken := map[types.NamespacedName]chan struct{}{}
	for _, repo := range repos {
		woken[client.ObjectKeyFromObject(repo)] = make(chan struct{}, 10)
	}
	c.reconciler.OnWake(func(name types.NamespacedName) { woken[name] <- struct{}{} })
	ctx, stop := context.WithCancel(t.Context())
	workers := make(chan struct{}, 4)
	var running stdsync.WaitGroup
	for name, wake := range woken {
		running.Go(func() { c.live(ctx, t, name, wake, workers) })
	}
	running.Go(func() {
		for {
			select {
			case <-c.recorder.Events:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		stop()
		running.Wait()
		c.reconciler.Stop(ctx)
	}
}

// TestOneBadRepositoryHoldsUpNobody runs 50 good ConfigRepos for 80 minutes beside
// one whose evaluation never ends and five whose servers never answer.
func TestOneBadRepositoryHoldsUpNobody(t *testing.T) {
	const good = 50
	synctest.Test(t, func(t *testing.T) {
		c, repos := newCrowd(t, good, 5)
		end := c.begin(t, repos)
		// Each commit is to be applied within an interval and two minutes, for all
		// the rest that goes on.
		const patience = 6 * time.Minute
		for time.Since(c.start) < 80*time.Minute {
			<-time.After(patience)
			c.expectApplied(t, good)
			<-time.After(commitEvery - patience)
		}
		end()
		if n := c.evaluated["bad"]; n < 2 || n > 8 {
			t.Errorf("the bad one was evaluated %d times", n)
		}
		for i := range good {
			name := fmt.Sprintf("good-%d", i)
			commits := int(time.Since(c.start)/commitEvery) + 1
			if got := c.evaluated[name]; got > commits {
				t.Errorf("%s was evaluated %d times for %d commits", name, got, commits)
			}
		}
	})
}

func (c *crowd) expectApplied(t *testing.T, good int) {
	t.Helper()
	var repos v1alpha1.ConfigRepoList
	if err := c.List(t.Context(), &repos); err != nil {
		t.Fatal(err)
	}
	applied := 0
	for i := range repos.Items {
		repo := &repos.Items[i]
		if repo.Status.LastAppliedRevision == "main@sha1:"+c.commit() && conditions.IsReady(repo) {
			applied++
		}
	}
	if applied != good {
		t.Errorf("after %s: %d of %d good ones have applied %s", time.Since(c.start), applied, good, c.commit())
	}
}

func namedRepo(name string) *v1alpha1.ConfigRepo {
	repo := configRepo()
	repo.Name = name
	return repo
}
