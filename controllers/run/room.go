package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
	"github.com/kayci/kayci/controllers/run/plan"
)

// retryFreed is how soon what found no room is tried again after something has
// gone: quotas are counted anew a moment later. firstTurn is for how long the
// oldest Run that waits may take a room that was found; the others wait for it.
const (
	retryFreed = time.Second
	firstTurn  = 2 * time.Second
)

// rooms remember where a quota had no room, so that not every Run that waits for
// some asks: the oldest does, for all. What is remembered only saves requests.
type rooms struct {
	mu   sync.Mutex
	full map[roomKey]*fullRoom
}

// roomKey is what a quota counts: the objects of a kind in a namespace.
type roomKey struct{ namespace, kind string }

// fullRoom is where there was no room.
type fullRoom struct {
	refusal plan.Refusal
	// next is when the oldest may try, and others when they may, if it didn't.
	next, others time.Time
	// freed is when one of the namespace's Jobs went.
	freed time.Time
}

// noRoomError is the error of what wasn't created, because a quota has no room for it.
type noRoomError struct{ refusal plan.Refusal }

func (n *noRoomError) Error() string { return n.refusal.Message }

// createIfRoom creates the object unless there was no room for its kind lately,
// or an older Run waits for some.
func (r *Reconciler) createIfRoom(ctx context.Context, o *observation, obj client.Object) error {
	key := roomKey{o.Run.Namespace, fmt.Sprintf("%T", obj)}
	alone, err := r.askRoom(ctx, o, key)
	if err != nil {
		return err
	}
	err = r.Client.Create(ctx, obj, client.FieldOwner(v1alpha1.FieldManager))
	if refusal, _ := classify(err); refusal.Reason == v1alpha1.ReasonQuotaExceeded {
		return &noRoomError{r.rooms.refused(key, r.Clock.Now(), refusal)}
	}
	if err == nil {
		r.rooms.found(key, r.Clock.Now(), alone)
	}
	return err
}

// askRoom returns an error for a Run that is not to try now, and whether no other
// Run waits for room.
func (r *Reconciler) askRoom(ctx context.Context, o *observation, key roomKey) (alone bool, err error) {
	if !r.rooms.known(key) {
		return true, nil
	}
	waiting, err := r.awaitRoom(ctx, key.namespace)
	if err != nil {
		return false, err
	}
	waiting = slices.DeleteFunc(waiting, func(other *v1alpha1.Run) bool { return other.UID == o.Run.UID })
	first := len(waiting) == 0 || order.Compare(o.Run, waiting[0]) < 0
	if refusal, full := r.rooms.enter(key, r.Clock.Now(), first); full {
		return false, &noRoomError{refusal}
	}
	return len(waiting) == 0, nil
}

// awaitRoom returns the namespace's Runs that wait for room, the oldest first.
func (r *Reconciler) awaitRoom(ctx context.Context, namespace string) ([]*v1alpha1.Run, error) {
	var runs v1alpha1.RunList
	if err := r.Client.List(ctx, &runs, activeRuns(namespace, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("list active runs of namespace %s: %w", namespace, err)
	}
	var waiting []*v1alpha1.Run
	for i := range runs.Items {
		if run := &runs.Items[i]; run.DeletionTimestamp == nil && plan.AwaitsRoom(run) {
			waiting = append(waiting, run)
		}
	}
	slices.SortFunc(waiting, order.Compare)
	return waiting, nil
}

func (r *rooms) known(key roomKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.full[key] != nil
}

// enter reports whether there is no room, for all that is known, or lets one
// caller find out.
func (r *rooms) enter(key roomKey, now time.Time, first bool) (refusal plan.Refusal, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.full[key]
	if f == nil {
		return plan.Refusal{}, false
	}
	from := f.others
	if first {
		from = f.next
	}
	if now.Before(from) {
		refusal = f.refusal
		// That text names another's object.
		refusal.Message = refusal.Message[max(strings.Index(refusal.Message, exceededQuota), 0):]
		refusal.After = from.Sub(now)
		return refusal, true
	}
	f.wait(now, plan.RetryFull, plan.RetryFull)
	return plan.Refusal{}, false
}

// wait sets when it may be tried again.
func (f *fullRoom) wait(now time.Time, first, others time.Duration) {
	f.next = now.Add(first)
	f.others = f.next.Add(others)
}

// refused notes that there is no room, and returns when to try again: soon after
// something has gone, and then the later the longer it is in vain.
func (r *rooms) refused(key roomKey, now time.Time, refusal plan.Refusal) plan.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full == nil {
		r.full = map[roomKey]*fullRoom{}
	}
	if r.full[key] == nil {
		r.full[key] = &fullRoom{}
	}
	f := r.full[key]
	f.refusal = refusal
	refusal.After = plan.RetryFull
	if !f.freed.IsZero() {
		refusal.After = min(max(now.Sub(f.freed), retryFreed), plan.RetryFull)
	}
	f.wait(now, refusal.After, plan.RetryFull)
	return refusal
}

// found notes that there was room. The next in line is to take what is left.
func (r *rooms) found(key roomKey, now time.Time, alone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch f := r.full[key]; {
	case f == nil:
	case alone:
		delete(r.full, key)
	default:
		f.wait(now, 0, firstTurn)
	}
}

// freed notes that something of the namespace is gone, and returns after what
// time to try, or that nothing waits.
func (r *rooms) freed(namespace string, now time.Time) (after time.Duration, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, f := range r.full {
		if key.namespace != namespace {
			continue
		}
		f.freed = now
		if soon := now.Add(retryFreed); soon.Before(f.next) {
			f.wait(now, retryFreed, plan.RetryFull)
		}
		after, waits = max(after, f.next.Sub(now)), true
	}
	return after, waits
}

// inLine lets the oldest Run that waits for room look when there may be some:
// after a Job has gone, and after another has found some.
func (r *Reconciler) inLine() handler.EventHandler {
	next := func(ctx context.Context, obj client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request], after time.Duration) {
		waiting, err := r.awaitRoom(ctx, obj.GetNamespace())
		if err != nil {
			// It looks again by itself, only later.
			log.FromContext(ctx).Error(err, "find the Run that is to try next", "namespace", obj.GetNamespace())
			return
		}
		if len(waiting) > 0 {
			r.add(q, waiting[0], after)
		}
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			next(ctx, e.ObjectNew, q, 0)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if after, waits := r.rooms.freed(e.Object.GetNamespace(), r.Clock.Now()); waits {
				next(ctx, e.Object, q, after)
			}
		},
	}
}

// roomNews lets through what may have left room: a Job that has gone, a Run that
// waits for none any more.
func roomNews() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, was := e.ObjectOld.(*v1alpha1.Run)
			after, is := e.ObjectNew.(*v1alpha1.Run)
			return was && is && plan.AwaitsRoom(before) && !plan.AwaitsRoom(after)
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			run, is := e.Object.(*v1alpha1.Run)
			return !is || plan.AwaitsRoom(run)
		},
	}
}
