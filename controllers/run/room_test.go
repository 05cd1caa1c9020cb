package run_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
)

// crowd is a namespace with many Runs and a quota of Jobs.
type crowd struct {
	*world

	limit int
	tries []time.Time // of the Jobs that there was no room for
	queue *queue
	lost  string // a Run that doesn't come
}

const many = 20

func newCrowd(t *testing.T, p *v1alpha1.Pipeline, limit int) *crowd {
	t.Helper()
	objs := []client.Object{p, revision.New(p, 1)}
	for i := range many {
		// Names in the opposite order of creation.
		r := started(fmt.Sprintf("r%02d", many-1-i), p)
		r.ResourceVersion = fmt.Sprint(100 + i)
		objs = append(objs, r)
	}
	c := &crowd{world: newWorld(t, objs...), limit: limit}
	c.queue = &queue{due: map[types.NamespacedName]time.Time{}, now: c.clock.Now}
	c.before = func(write string) {
		var job string
		if _, err := fmt.Sscanf(write, "create *v1.Job %s", &job); err != nil {
			return
		}
		clear(c.deny)
		if len(c.jobs()) >= c.limit {
			c.deny[write] = apierrors.NewForbidden(jobResource(), job, errors.New("exceeded quota: small"))
			c.tries = append(c.tries, c.clock.Now())
		}
	}
	return c
}

// pass lets the controller look at Runs as they ask for it, until then. It tells
// it what Runs have come to.
func (c *crowd) pass(until time.Time) {
	c.t.Helper()
	for {
		key, due := c.queue.pop()
		if !due {
			next := c.queue.next()
			if next.IsZero() || next.After(until) {
				c.clock.SetTime(until)
				return
			}
			c.clock.SetTime(next)
			continue
		}
		if key.Name == c.lost {
			continue
		}
		before := c.run(key.Name)
		after := c.mustReconcile(key.Name).RequeueAfter
		if after > 0 {
			c.queue.addAfter(key, after)
		}
		deliver(c.t.Context(), change{before: before, after: c.run(key.Name)}, run.RoomNews(), c.reconciler.InLine(), c.queue)
	}
}

func (c *crowd) begin() {
	for i := range many {
		c.queue.addAfter(types.NamespacedName{Namespace: "ci", Name: fmt.Sprintf("r%02d", i)}, 0)
	}
}

func (c *crowd) remove(name string) {
	c.t.Helper()
	var job batchv1.Job
	c.get(name, &job)
	if err := c.live.Delete(c.t.Context(), &job); err != nil {
		c.t.Fatal(err)
	}
	deliver(c.t.Context(), change{before: &job}, run.RoomNews(), c.reconciler.InLine(), c.queue)
}

// However many Runs wait for room in a quota, one creation is tried in 15
// seconds, and the oldest gets what there is.
func TestFullQuotaIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, chain(1), 0)
	start := c.clock.Now()
	c.begin()
	c.pass(start.Add(time.Minute))
	var after []time.Duration
	for _, at := range c.tries {
		after = append(after, at.Sub(start))
	}
	want := []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second, 60 * time.Second}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("times of creations that were refused (-want +got):\n%s", diff)
	}
	c.wantSeen(map[string]string{
		"r00": `Queued Queued: no job has started; j0: QuotaExceeded: jobs.batch "r00-j0" is forbidden: exceeded quota: small`,
		"r19": "Queued Queued: no job has started; j0: QuotaExceeded: exceeded quota: small",
	})

	// The quota grows: within 15 seconds the oldest have their Jobs, in order.
	c.limit, c.tries = 3, nil
	c.pass(c.clock.Now().Add(15 * time.Second))
	var made []string
	for name := range c.created {
		made = append(made, name)
	}
	slices.Sort(made)
	if diff := cmp.Diff([]string{"r17-j0", "r18-j0", "r19-j0"}, made); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
	if len(c.tries) > 1 {
		t.Errorf("%d more creations were refused, want one at most", len(c.tries))
	}

	// A Job goes, and its place is filled within seconds, though the quota is
	// counted anew only a while later.
	c.limit = 2
	c.remove("r19-j0")
	c.pass(c.clock.Now().Add(3 * time.Second))
	c.limit = 3
	c.pass(c.clock.Now().Add(4 * time.Second))
	if c.created["r16-j0"] != 1 || len(c.created) != 4 {
		t.Errorf("Jobs that were ever made: %v, want r16's and the three before it", c.created)
	}
}

// The first in line doesn't come, because it waits for something else: the
// others go on without it.
func TestFirstInLineDoesNotCome(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, chain(1), 0)
	c.begin()
	c.pass(c.clock.Now().Add(20 * time.Second))
	c.limit = 100
	c.lost = "r19"
	c.pass(c.clock.Now().Add(3 * time.Minute))
	if len(c.created) != many-1 {
		t.Errorf("%d Jobs after 3 minutes, want those of all Runs but the first", len(c.created))
	}
}
