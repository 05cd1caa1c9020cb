package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	if name == pipeline.Status.Revision {
		return name, nil // It got the highest number before it was recorded.
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
func superseded(revisions []appsv1.ControllerRevision, current string, pinned func(revision string) bool) []appsv1.ControllerRevision {
	others := slices.DeleteFunc(slices.Clone(revisions), func(rev appsv1.ControllerRevision) bool { return rev.Name == current })
	if len(others) == 0 {
		return nil
	}
	slices.SortFunc(others, func(a, b appsv1.ControllerRevision) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name))
	})
	return slices.DeleteFunc(others[:len(others)-1], func(rev appsv1.ControllerRevision) bool { return pinned(rev.Name) })
}

// deleteSuperseded deletes revisions that no Run needs, when another one is current
// or one may have lost its last Run.
func (r *Reconciler) deleteSuperseded(ctx context.Context, pipeline *v1alpha1.Pipeline, freed int64) error {
	now := sweep{pipeline.UID, pipeline.Status.Revision, freed}
	if now.revision == "" || r.swept.has(client.ObjectKeyFromObject(pipeline), now) {
		return nil
	}
	revisions, err := revision.List(ctx, r.Client, pipeline, client.UnsafeDisableDeepCopy)
	if err != nil {
		return err
	}
	pinned := func(revision string) bool { return r.runs.Pins(pipeline.Namespace, revision) }
	if old := superseded(revisions, now.revision, pinned); len(old) > 0 {
		if err := r.deleteUnpinned(ctx, pipeline.Namespace, old); err != nil {
			return err
		}
	}
	r.swept.put(client.ObjectKeyFromObject(pipeline), now)
	return nil
}

// deleteUnpinned deletes the revisions unless the API server knows of a Run that
// the cache doesn't show yet, for a Run without its revision fails. One that has
// ended the cache shows, as it isn't behind by the whole life of a Run.
func (r *Reconciler) deleteUnpinned(ctx context.Context, namespace string, revisions []appsv1.ControllerRevision) error {
	var active v1alpha1.RunList
	// Every one of the namespace: one that was made by hand has no label yet.
	err := r.APIReader.List(ctx, &active, client.InNamespace(namespace), client.MatchingFields{v1alpha1.CompletionTimeField: ""})
	if err != nil {
		return wrap(err, "list active runs of namespace", namespace)
	}
	var errs []error
	for i := range revisions {
		rev := &revisions[i]
		if slices.ContainsFunc(active.Items, func(run v1alpha1.Run) bool { return run.Spec.Revision == rev.Name }) {
			continue
		}
		err := r.Client.Delete(ctx, rev, client.Preconditions{UID: &rev.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
		errs = append(errs, client.IgnoreNotFound(wrap(err, "delete revision", rev.Name)))
	}
	return errors.Join(errs...)
}

// swept are the latest sweeps of this process. The zero value is ready, and safe for
// concurrent use.
type swept struct {
	mu sync.Mutex
	by map[types.NamespacedName]sweep
}

// sweep is the state of a Pipeline whose superseded revisions were deleted: until it
// is another, there are no more.
type sweep struct {
	pipeline types.UID
	revision string
	freed    int64
}

// has reports whether that sweep is the Pipeline's latest. It never is of a Pipeline
// that has no Run.
func (s *swept) has(pipeline types.NamespacedName, that sweep) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return that.freed > 0 && s.by[pipeline] == that
}

func (s *swept) put(pipeline types.NamespacedName, that sweep) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[types.NamespacedName]sweep{}
	}
	s.by[pipeline] = that
}

func (s *swept) forget(pipeline types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, pipeline)
}
