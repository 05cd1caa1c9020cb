package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/settled"
)

// unsettled is how long to wait for the Jobs of a Run that is to be deleted.
// The end of a Job is no news of the Pipeline.
const unsettled = 10 * time.Second

// jobsByRun is the cache's index of Jobs by the Run that they belong to.
const jobsByRun = "metadata.labels." + v1alpha1.RunLabel

// IndexJobs adds the index that the Reconciler finds a Run's Jobs by.
func IndexJobs(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &batchv1.Job{}, jobsByRun, RunOf)
}

// RunOf is the index's function: the name of the Run that a Job or pod belongs to.
func RunOf(object client.Object) []string {
	if run := object.GetLabels()[v1alpha1.RunLabel]; run != "" {
		return []string{run}
	}
	return nil
}

// retain deletes what has expired. A Run whose Jobs have not all ended has to
// wait: its result may be known before its last pod is gone. So has one that is
// about to be retried.
func (r *Reconciler) retain(ctx context.Context, pipeline *v1alpha1.Pipeline) (time.Duration, error) {
	old, next := r.runs.Expired(pipeline.UID, pipeline.Spec.Retention, r.Clock.Now())
	if len(old) == 0 {
		return next, nil
	}
	sources, err := r.sources(ctx, pipeline.Namespace)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, run := range old {
		_, asked := run.Annotations[v1alpha1.RetryAnnotation]
		done, err := r.settled(ctx, run)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !done, asked, sources[run.Name], r.awaitsStore(run):
			next = unsettled
		default:
			errs = append(errs, r.deleteRun(ctx, run))
		}
	}
	return next, errors.Join(errs...)
}

// awaitsStore reports whether the store may still keep what the Run leaves behind. A store
// that doesn't is waited for no longer than for StoreWait.
func (r *Reconciler) awaitsStore(run *v1alpha1.Run) bool {
	ended := run.Status.CompletionTime
	return r.StoreWait > 0 && ended != nil && r.Clock.Since(ended.Time) < r.StoreWait &&
		!meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition)
}

// sources returns the Runs that others are about to read what they reuse from.
// Among those others are Runs made by hand, which have no label yet.
func (r *Reconciler) sources(ctx context.Context, namespace string) (map[string]bool, error) {
	var active v1alpha1.RunList
	err := r.Client.List(ctx, &active, client.InNamespace(namespace), client.MatchingFields{v1alpha1.CompletionTimeField: ""}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, wrap(err, "list active runs of namespace", namespace)
	}
	sources := map[string]bool{}
	for i := range active.Items {
		if run := &active.Items[i]; run.Spec.RetryOf != "" && run.Status.Phase == "" {
			sources[run.Spec.RetryOf] = true
		}
	}
	return sources, nil
}

// settled reports whether nothing of the finished Run is still to come.
func (r *Reconciler) settled(ctx context.Context, run *v1alpha1.Run) (bool, error) {
	var jobs batchv1.JobList
	err := r.Client.List(ctx, &jobs, client.InNamespace(run.Namespace), client.MatchingFields{jobsByRun: run.Name}, client.UnsafeDisableDeepCopy)
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
	named := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: run.Name}}
	err := r.Client.Delete(ctx, named,
		client.Preconditions{UID: &run.UID, ResourceVersion: &run.ResourceVersion}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	return client.IgnoreNotFound(wrap(err, "delete run", run.Name))
}

func wrap(err error, doing, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}
