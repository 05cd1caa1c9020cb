package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/recent"
)

// ensureCurrent makes sure that the current spec has its revision, with the
// highest number: an edit that was taken back makes an old one current again.
func (r *Reconciler) ensureCurrent(ctx context.Context, pipeline *v1alpha1.Pipeline) (string, error) {
	name, err := revision.Ensure(ctx, r.Client, r.Installed, pipeline)
	if err != nil {
		return "", err
	}
	revisions, err := revision.List(ctx, r.Client, pipeline)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(revisions, func(rev appsv1.ControllerRevision) bool { return rev.Name == name })
	if i < 0 {
		// Just created, and not in the cache yet: it has got the highest number.
		return name, nil
	}
	current := recent.Newer(&r.recent, r.Clock.Now(), &revisions[i])
	if highest := revision.Next(revisions) - 1; current.Revision >= highest {
		return name, nil
	}
	before := current.DeepCopy()
	current.Revision = revision.Next(revisions)
	err = r.Client.Patch(ctx, current, client.MergeFrom(before), client.FieldOwner(v1alpha1.FieldManager))
	if err != nil {
		return "", wrap(err, "number revision", name)
	}
	r.recent.Put(r.Clock.Now(), current)
	return name, nil
}

// superseded returns the revisions to delete: neither current nor of a Run. The
// newest of the others stays, because a Run that is being created at this moment
// may name it.
func superseded(revisions []appsv1.ControllerRevision, current string, runs []v1alpha1.Run) []appsv1.ControllerRevision {
	others := slices.DeleteFunc(slices.Clone(revisions), func(rev appsv1.ControllerRevision) bool { return rev.Name == current })
	if len(others) == 0 {
		return nil
	}
	slices.SortFunc(others, func(a, b appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return slices.DeleteFunc(others[:len(others)-1], func(rev appsv1.ControllerRevision) bool {
		return slices.ContainsFunc(runs, func(run v1alpha1.Run) bool { return run.Spec.Revision == rev.Name })
	})
}

// deleteSuperseded deletes revisions that no Run needs. The cache's word that
// there is no Run is not enough: a Run without its revision fails.
func (r *Reconciler) deleteSuperseded(ctx context.Context, pipeline *v1alpha1.Pipeline) error {
	if pipeline.Status.Revision == "" {
		return nil
	}
	revisions, err := revision.List(ctx, r.Client, pipeline)
	if err != nil {
		return err
	}
	var runs v1alpha1.RunList
	// Every Run of the namespace: one that was made by hand has no label yet.
	if err := r.Client.List(ctx, &runs, client.InNamespace(pipeline.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return wrap(err, "list runs of namespace", pipeline.Namespace)
	}
	if len(superseded(revisions, pipeline.Status.Revision, runs.Items)) == 0 {
		return nil
	}
	var live v1alpha1.RunList
	if err := r.APIReader.List(ctx, &live, client.InNamespace(pipeline.Namespace)); err != nil {
		return wrap(err, "list runs of namespace", pipeline.Namespace)
	}
	var errs []error
	for _, rev := range superseded(revisions, pipeline.Status.Revision, live.Items) {
		err := r.Client.Delete(ctx, &rev, client.Preconditions{UID: &rev.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
		errs = append(errs, client.IgnoreNotFound(wrap(err, "delete revision", rev.Name)))
	}
	return errors.Join(errs...)
}
