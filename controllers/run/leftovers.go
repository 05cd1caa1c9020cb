package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// locked is the cache's index of Jobs and pods by the label of the lock that they
// hold a place of.
const locked = "metadata.labels." + v1alpha1.LockLabel

// LockOf is the index's function.
func LockOf(obj client.Object) []string {
	if label := held(obj); label != "" {
		return []string{label}
	}
	return nil
}

// held returns the label of the lock that a Job or pod holds a place of, blank
// for none.
func held(obj client.Object) string {
	switch obj := obj.(type) {
	case *batchv1.Job:
		return queue.JobHolds(obj)
	case *corev1.Pod:
		return queue.PodHolds(obj)
	default:
		return ""
	}
}

// deleted returns the names of Runs of the lock that are gone while something of
// them may still run, as the cache shows it.
func (r *Reconciler) deleted(ctx context.Context, c queue.Candidate, runs []v1alpha1.Run) ([]string, error) {
	names, _, err := r.leftovers(ctx, turn{c.Run.Namespace, c.Lock}, runs)
	return names, err
}

// surelyDeleted is deleted for a Run that is to get a place, or none for good: the
// cache may be behind about those that went lately, and about what is left of them.
func (r *Reconciler) surelyDeleted(ctx context.Context, c queue.Candidate, runs []v1alpha1.Run) ([]string, error) {
	t := turn{c.Run.Namespace, c.Lock}
	gone, ok := r.neighbours.vanished(t, runs)
	if !ok {
		return nil, errNotItsTurn
	}
	if len(gone) == 0 {
		names, err := r.deleted(ctx, c, runs)
		if err != nil || len(names) == 0 || c.Policy != v1alpha1.ConcurrencySkip {
			return names, err
		}
	}
	names, left, err := r.sureLeftovers(ctx, t, runs)
	if err != nil {
		return nil, err
	}
	for _, uid := range gone {
		if !left[uid] {
			r.neighbours.release(t, uid)
		}
	}
	return names, nil
}

// bury forgets the deleted Run, once nothing of it is left: nobody else may ever ask
// for its lock.
func (r *Reconciler) bury(ctx context.Context, key types.NamespacedName) error {
	for uid, t := range r.neighbours.lost(key) {
		_, left, err := r.leftovers(ctx, t, nil)
		if err == nil && !left[uid] {
			_, left, err = r.sureLeftovers(ctx, t, nil)
		}
		if err != nil {
			return err
		}
		if !left[uid] {
			r.neighbours.release(t, uid)
		}
	}
	return nil
}

// leftovers finds what the cache shows of the Jobs and pods of the lock that may run
// and whose Runs are gone, and returns the names and UIDs of those Runs.
func (r *Reconciler) leftovers(ctx context.Context, t turn, runs []v1alpha1.Run) ([]string, map[types.UID]bool, error) {
	return r.leftIn(ctx, r.Client, t, runs, client.MatchingFields{locked: t.lock.Label()}, client.UnsafeDisableDeepCopy)
}

// sureLeftovers is leftovers as the API server has them.
func (r *Reconciler) sureLeftovers(ctx context.Context, t turn, runs []v1alpha1.Run) ([]string, map[types.UID]bool, error) {
	return r.leftIn(ctx, r.APIReader, t, runs, client.MatchingLabels{v1alpha1.LockLabel: t.lock.Label()})
}

func (r *Reconciler) leftIn(ctx context.Context, in client.Reader, t turn, runs []v1alpha1.Run, opts ...client.ListOption) ([]string, map[types.UID]bool, error) {
	var jobs batchv1.JobList
	var pods corev1.PodList
	opts = append(opts, client.InNamespace(t.namespace))
	for _, list := range []client.ObjectList{&jobs, &pods} {
		if err := in.List(ctx, list, opts...); err != nil {
			return nil, nil, fmt.Errorf("list what is left of deleted runs: %w", err)
		}
	}
	holders := map[queue.Holder]bool{}
	note := func(obj client.Object) {
		if held(obj) != "" {
			holders[queue.HolderOf(obj)] = true
		}
	}
	for i := range jobs.Items {
		note(&jobs.Items[i])
	}
	for i := range pods.Items {
		note(&pods.Items[i])
	}
	var names []string
	left := map[types.UID]bool{}
	for holder := range holders {
		there := slices.ContainsFunc(runs, func(run v1alpha1.Run) bool { return run.UID == holder.UID })
		if !there && r.gone(ctx, t.namespace, holder) {
			names = append(names, holder.Name)
			left[holder.UID] = true
		}
	}
	slices.Sort(names)
	return names, left, nil
}

// gone reports whether the Run is deleted, for all that the cache shows. One that
// is seen to have ended has no place, whatever of it still ends.
func (r *Reconciler) gone(ctx context.Context, namespace string, holder queue.Holder) bool {
	var run v1alpha1.Run
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: holder.Name}, &run)
	return err != nil || run.UID != holder.UID || run.DeletionTimestamp != nil && !run.Status.Phase.Finished()
}

// vacate takes the Jobs and pods of a Run that has ended off its lock.
func (r *Reconciler) vacate(ctx context.Context, o *observation) error {
	var errs []error
	vacate := func(obj client.Object) {
		if held(obj) != "" && queue.HolderOf(obj).UID == o.Run.UID {
			labels := map[string]any{v1alpha1.LockLabel: nil}
			errs = append(errs, r.patch(ctx, obj, "free the place of", map[string]any{"labels": labels}, map[string]any{}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Jobs)) {
		vacate(o.Jobs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.Pods)) {
		for i := range o.Pods[name] {
			vacate(&o.Pods[name][i])
		}
	}
	return errors.Join(errs...)
}

// vacated lets the Runs look at their place that wait for what is left of a
// deleted one, and that one be buried.
func (r *Reconciler) vacated() handler.EventHandler {
	wake := func(ctx context.Context, obj client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		if !r.gone(ctx, obj.GetNamespace(), queue.HolderOf(obj)) {
			return
		}
		r.add(q, r.runOf(ctx, obj), 0)
		label := obj.GetLabels()[v1alpha1.LockLabel]
		r.rouse(ctx, obj, q, func(runs []v1alpha1.Run) []*v1alpha1.Run { return queue.Waiting(label, runs) })
	}
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wake(ctx, e.ObjectOld, q) // The other may have lost the label.
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wake(ctx, e.Object, q)
		},
	}
}

// vacancies lets through Jobs and pods that hold a place no more.
func vacancies() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool { return held(e.ObjectOld) != "" && held(e.ObjectNew) == "" },
		DeleteFunc: func(e event.DeleteEvent) bool { return held(e.Object) != "" },
	}
}
