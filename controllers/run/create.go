package run

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

func (r *Reconciler) create(ctx context.Context, o *observation, name string, built *batchv1.Job) error {
	err := r.createIfRoom(ctx, o, built)
	if apierrors.IsAlreadyExists(err) {
		return r.adopt(ctx, o, name, built)
	}
	refusal, class := classify(err)
	switch class {
	case accepted:
		o.Jobs[name] = built
		r.recent.Put(r.Clock.Now(), built)
		return nil
	case refused:
		o.Refused[name] = refusal
		return nil
	case deferred:
		o.Deferred[name] = refusal
		return nil
	default:
		return fmt.Errorf("create Job %s: %w", built.Name, err)
	}
}

// adopt takes a Job of this name for the Run's only if it belongs to this very
// Run: it was created before the controller was killed, or the cache is behind.
// The Run's number is the one that such a Job carries, whatever was claimed
// since. If it is somebody else's, the Run's Job gets another name.
func (r *Reconciler) adopt(ctx context.Context, o *observation, name string, built *batchv1.Job) error {
	found := &batchv1.Job{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(built), found); err != nil {
		return fmt.Errorf("get Job %s: %w", built.Name, err)
	}
	part := job.JobPart(name)
	switch {
	case metav1.IsControlledBy(found, o.Run):
		o.Jobs[name] = found
		o.Number = cmp.Or(numberOf(found), o.Number)
	case !o.renamed(part) && !o.predecessors(found):
		r.rename(o, part)
	default:
		o.conflict(name, found)
	}
	return nil
}

// patch changes fields of an object's metadata and spec, unless it is gone. The
// UID makes sure that it is that very object.
func (r *Reconciler) patch(ctx context.Context, obj client.Object, doing string, metadata, spec map[string]any) error {
	fields := map[string]any{"uid": obj.GetUID()}
	maps.Copy(fields, metadata)
	data, err := json.Marshal(map[string]any{"metadata": fields, "spec": spec})
	if err != nil {
		return fmt.Errorf("%s %s: %w", doing, obj.GetName(), err)
	}
	err = r.Client.Patch(ctx, obj, client.RawPatch(types.MergePatchType, data), client.FieldOwner(v1alpha1.FieldManager))
	if err != nil {
		return client.IgnoreNotFound(fmt.Errorf("%s %s: %w", doing, obj.GetName(), err))
	}
	r.recent.Put(r.Clock.Now(), obj)
	return nil
}
