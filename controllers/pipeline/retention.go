package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
	"github.com/kayci/kayci/controllers/run/settled"
)

// unsettled is how long to wait for the Jobs of a Run that is to be deleted.
// The end of a Job is no news of the Pipeline.
const unsettled = 10 * time.Second

// defaultMinAge is for somebody to see how a Run ended before its logs go.
const defaultMinAge = time.Hour

// expired returns the finished Runs beyond the bounds, oldest first, and how
// long it takes until the next one is, 0 for never.
func expired(runs []v1alpha1.Run, bounds *v1alpha1.Retention, now time.Time) (old []v1alpha1.Run, next time.Duration) {
	if bounds == nil {
		return nil, 0
	}
	finished := slices.DeleteFunc(slices.Clone(runs), func(run v1alpha1.Run) bool {
		return !run.Status.Phase.Finished()
	})
	slices.SortFunc(finished, func(a, b v1alpha1.Run) int {
		return order.Compare(&a, &b)
	})
	surplus := surplus(finished, bounds)
	for i := range finished {
		left, bounded := remaining(&finished[i], surplus[i], bounds, now)
		switch {
		case !bounded:
		case left <= 0:
			old = append(old, finished[i])
		case next == 0 || left < next:
			next = left
		}
	}
	return old, next
}

// surplus tells of each Run, oldest first, whether enough newer ones are there.
func surplus(finished []v1alpha1.Run, bounds *v1alpha1.Retention) []bool {
	beyond := make([]bool, len(finished))
	var failed, others int32
	for i := len(finished) - 1; i >= 0; i-- {
		count, most := &others, bounds.MaxCount
		if bounds.MaxFailed != nil && finished[i].Status.Phase == v1alpha1.RunFailed {
			count, most = &failed, bounds.MaxFailed
		}
		*count++
		beyond[i] = most != nil && *count > *most
	}
	return beyond
}

// remaining returns how long the Run may still stay, if anything bounds that. A
// surplus one stays for the least age; the greatest age holds for all.
func remaining(run *v1alpha1.Run, surplus bool, bounds *v1alpha1.Retention, now time.Time) (left time.Duration, bounded bool) {
	ended := run.Status.CompletionTime
	if ended == nil {
		return 0, surplus
	}
	var ages []time.Duration
	if surplus {
		ages = append(ages, ptr.Deref(bounds.MinAge, metav1.Duration{Duration: defaultMinAge}).Duration)
	}
	if bounds.MaxAge != nil {
		ages = append(ages, bounds.MaxAge.Duration)
	}
	if len(ages) == 0 {
		return 0, false
	}
	return ended.Add(slices.Min(ages)).Sub(now), true
}

// retain deletes what has expired. A Run whose Jobs have not all ended has to
// wait: its result may be known before its last pod is gone. So has one that is
// about to be retried.
func (r *Reconciler) retain(ctx context.Context, pipeline *v1alpha1.Pipeline, runs []v1alpha1.Run) (time.Duration, error) {
	old, next := expired(runs, pipeline.Spec.Retention, r.Clock.Now())
	if len(old) == 0 {
		return next, nil
	}
	sources, err := r.sources(ctx, pipeline.Namespace)
	if err != nil {
		return 0, err
	}
	var errs []error
	for i := range old {
		done, err := r.settled(ctx, &old[i])
		switch {
		case err != nil:
			errs = append(errs, err)
		case !done, sources[old[i].Name]:
			next = unsettled
		default:
			errs = append(errs, r.deleteRun(ctx, &old[i]))
		}
	}
	return next, errors.Join(errs...)
}

// sources returns the Runs that others are about to read what they reuse from.
// Among those others are Runs made by hand, which have no label yet.
func (r *Reconciler) sources(ctx context.Context, namespace string) (map[string]bool, error) {
	var runs v1alpha1.RunList
	if err := r.Client.List(ctx, &runs, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, wrap(err, "list runs of namespace", namespace)
	}
	sources := map[string]bool{}
	for i := range runs.Items {
		run := &runs.Items[i]
		if run.Spec.RetryOf != "" && run.Status.Phase == "" {
			sources[run.Spec.RetryOf] = true
		}
		if _, asked := run.Annotations[v1alpha1.RetryAnnotation]; asked {
			sources[run.Name] = true
		}
	}
	return sources, nil
}

// settled reports whether nothing of the finished Run is still to come.
func (r *Reconciler) settled(ctx context.Context, run *v1alpha1.Run) (bool, error) {
	var jobs batchv1.JobList
	err := r.Client.List(ctx, &jobs, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.RunLabel: run.Name})
	if err != nil {
		return false, fmt.Errorf("list Jobs of run %s: %w", run.Name, err)
	}
	known := settled.ByRun(jobs.Items)
	if !known.Settled(run, r.Clock.Now()) {
		return false, nil
	}
	for _, name := range known.Unseen(run) {
		var job batchv1.Job
		err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: name}, &job)
		if client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("get Job %s of run %s: %w", name, run.Name, err)
		}
		if err == nil && metav1.IsControlledBy(&job, run) && !settled.Job(&job) {
			return false, nil
		}
	}
	return true, nil
}

// deleteRun deletes that very Run, as it was read: not one that was asked to be
// retried meanwhile. The garbage collector deletes what it owns.
func (r *Reconciler) deleteRun(ctx context.Context, run *v1alpha1.Run) error {
	err := r.Client.Delete(ctx, run,
		client.Preconditions{UID: &run.UID, ResourceVersion: &run.ResourceVersion}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	return client.IgnoreNotFound(wrap(err, "delete run", run.Name))
}

func wrap(err error, doing, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}
