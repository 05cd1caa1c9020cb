package run_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
)

// bystander watches the Runs of one Pipeline and knows the rules.
type bystander struct {
	limit    int
	admitted map[string]bool
	// born says which Run was created after how many others.
	born map[string]int
	// anyOrder: Runs may come between a decision and its record.
	anyOrder bool
}

// look returns what is wrong with what it sees.
func (b *bystander) look(runs []v1alpha1.Run, jobs map[string]int) error {
	active := map[string]int{}
	for i := range runs {
		r := &runs[i]
		place, branch := r.Status.Concurrency, r.Spec.Params["branch"]
		has := place != nil && place.Admitted
		if has && !r.Status.Phase.Finished() {
			active[branch]++
		}
		if !has && jobs[r.Name+"-j0"] > 0 {
			return fmt.Errorf("run %s has a Job and was not admitted", r.Name)
		}
		if has && !b.admitted[r.Name] {
			b.admitted[r.Name] = true
			if inFront := b.inFront(runs, r); inFront >= b.limit && !b.anyOrder {
				return fmt.Errorf("run %s was admitted behind %d others", r.Name, inFront)
			}
		}
	}
	for branch, n := range active {
		if n > b.limit {
			return fmt.Errorf("%d Runs of %s at a time, at most %d", n, branch, b.limit)
		}
	}
	return nil
}

// inFront counts the Runs that have a place or were created before this one and
// wait for it.
func (b *bystander) inFront(runs []v1alpha1.Run, r *v1alpha1.Run) int {
	n := 0
	for i := range runs {
		other := &runs[i]
		older := b.born[other.Name] < b.born[r.Name]
		if other.Name != r.Name && other.Spec.Params["branch"] == r.Spec.Params["branch"] && !other.Status.Phase.Finished() &&
			(b.admitted[other.Name] || (older && !other.Spec.Cancelled)) {
			n++
		}
	}
	return n
}

// chaos is one play: Runs come, the cache follows when it likes, the controller
// dies, jobs end, people cancel.
type chaos struct {
	*world
	*bystander

	rng       *rand.Rand
	pipelines []*v1alpha1.Pipeline
	runs      []string
}

func (c *chaos) list() []v1alpha1.Run {
	c.t.Helper()
	var runs v1alpha1.RunList
	if err := c.live.List(c.t.Context(), &runs); err != nil {
		c.t.Fatal(err)
	}
	return runs.Items
}

func (c *chaos) any() string { return c.runs[c.rng.IntN(len(c.runs))] }

func (c *chaos) add() {
	c.t.Helper()
	// In the same second half of the time, and by names of no order.
	c.clock.SetTime(c.clock.Now().Add(time.Duration(c.rng.IntN(2)) * time.Second))
	r := started(fmt.Sprintf("r%03d", c.rng.IntN(1000)), c.pipelines[c.rng.IntN(len(c.pipelines))])
	r.CreationTimestamp = metav1.Time{Time: c.clock.Now()}
	r.Spec.Params = map[string]string{"branch": []string{"main", "next"}[c.rng.IntN(2)]}
	// The fake counts each object's versions for itself.
	r.Annotations = map[string]string{v1alpha1.CreatedVersionAnnotation: strconv.Itoa(len(c.runs) + 1)}
	if err := c.live.Create(c.t.Context(), r); err != nil {
		return // the name is taken
	}
	c.born[r.Name] = len(c.runs)
	c.runs = append(c.runs, r.Name)
}

func (c *chaos) cancel() {
	c.t.Helper()
	r := c.run(c.any())
	r.Spec.Cancelled = true
	if err := c.live.Update(c.t.Context(), r); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) step() {
	c.t.Helper()
	switch n := c.rng.IntN(100); {
	case n < 10 && len(c.runs) < 10:
		c.add()
	case n < 30:
		c.sync()
	case n < 35:
		c.restart()
	case n < 37:
		c.cancel()
	case n < 50:
		c.endJobs(c.any())
	default:
		if c.rng.IntN(4) == 0 {
			c.crashAt = len(c.writes) + 1 + c.rng.IntN(3)
		}
		c.look(c.any())
	}
}

// look reconciles the Run, and lets the bystander look.
func (c *chaos) look(name string) {
	c.t.Helper()
	if _, err := c.reconcile(name); errors.Is(err, errCrash) {
		c.restart()
	} else if err != nil {
		c.t.Fatalf("reconcile %s: %v", name, err)
	}
	if err := c.bystander.look(c.list(), c.created); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) over() bool {
	for _, r := range c.list() {
		if !r.Status.Phase.Finished() {
			return false
		}
	}
	return true
}

// Whatever happens in whichever order, there are never more Runs of a key than
// places, places are given in the order of creation, no job starts twice, and
// every Run ends.
func TestQueueInChaos(t *testing.T) {
	t.Parallel()
	policies := []v1alpha1.ConcurrencyPolicy{v1alpha1.ConcurrencyQueue, v1alpha1.ConcurrencyReplace, v1alpha1.ConcurrencySkip}
	for seed := range uint64(9) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // the same numbers each time
			limit := 1 + rng.IntN(2)
			p := bounded(policies[seed%3], int32(limit))
			c := &chaos{
				bystander: &bystander{limit: limit, admitted: map[string]bool{}, born: map[string]int{}}, rng: rng, pipelines: []*v1alpha1.Pipeline{p},
			}
			objs := []client.Object{p, revision.New(p, 1)}
			if seed >= 6 {
				// Two Pipelines that share their keys.
				p.Spec.Concurrency.Group = "all"
				objs[1] = revision.New(p, 1)
				other := second(p, "app")
				c.pipelines = append(c.pipelines, other)
				objs = append(objs, other, revision.New(other, 1))
			}
			c.world = newWorld(t, objs...)
			c.play()
		})
	}
}

// play is disorder for a while, and then time for everything to end.
func (c *chaos) play() {
	c.t.Helper()
	for range 3 {
		c.add()
	}
	for range 120 {
		c.step()
	}
	for round := 0; round < 60 && !c.over(); round++ {
		c.sync()
		for _, name := range c.runs {
			c.look(name)
			c.endJobs(name)
		}
	}
	if !c.over() {
		c.t.Errorf("not all have ended: %v", c.seen(c.runs...))
	}
	for name, times := range c.created {
		if times != 1 {
			c.t.Errorf("Job %s was created %d times", name, times)
		}
	}
}

// Many Runs of the same second come and are reconciled at once by one process.
func TestQueueInParallel(t *testing.T) {
	t.Parallel()
	const limit = 3
	p := bounded(v1alpha1.ConcurrencyQueue, limit)
	live := builder(t).WithObjects(p, revision.New(p, 1)).Build()
	var mu sync.Mutex
	b := &bystander{limit: limit, admitted: map[string]bool{}, anyOrder: true}
	watched := interceptor.NewClient(live, interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			mu.Lock()
			defer mu.Unlock()
			if err := c.SubResource(sub).Patch(ctx, obj, patch, opts...); err != nil {
				return err
			}
			var runs v1alpha1.RunList
			if err := live.List(ctx, &runs); err != nil {
				return err
			}
			if err := b.look(runs.Items, nil); err != nil {
				t.Error(err)
			}
			return nil
		},
	})
	reconciler := &run.Reconciler{Client: watched, APIReader: live, Recorder: events.NewFakeRecorder(100), Clock: clock.RealClock{}}
	var all sync.WaitGroup
	for i := range 12 {
		// Each comes before those that are there, so that their order alone doesn't
		// keep them apart.
		r := started(fmt.Sprintf("r%02d", 99-i), p)
		r.Spec.Params = map[string]string{"branch": "main"}
		all.Go(func() {
			if err := live.Create(t.Context(), r); err != nil {
				t.Error(err)
			}
			// As long as it is told to come again at once: it was another's turn.
			for again := true; again; {
				result, err := reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(r)})
				if err != nil {
					t.Error(err)
				}
				again = result.RequeueAfter > 0 && result.RequeueAfter < time.Second
			}
		})
	}
	all.Wait()
	if len(b.admitted) != limit {
		t.Errorf("%d Runs were admitted, want %d: %v", len(b.admitted), limit, b.admitted)
	}
}
