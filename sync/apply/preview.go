package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Preview is what a sync would do.
type Preview struct {
	// Objects that it would apply or prune, in its order.
	Objects []PreviewObject
	// Refusal is why it would do none of it, or nil: a *RefusedError or a
	// *MassPruneError.
	Refusal error
}

// PreviewObject is one object and what would become of it.
type PreviewObject struct {
	Key
	// File that it would be applied from. Blank: it would be pruned.
	File string
	// Cause why it would be applied.
	Cause Cause
	// Before is what the cluster has, and After what it would have. Each may be nil.
	Before, After *unstructured.Unstructured
}

// Preview returns what Sync would do, and writes nothing. Pipelines that would wait for
// their Runs are shown as pruned. Without Input.Repo it is what would be made of the
// objects whoever applies them: ownership and what is to be pruned are left out.
func (a Applier) Preview(ctx context.Context, in Input) (Preview, error) {
	in, err := a.observeObjects(ctx, in)
	if err != nil {
		return Preview{}, err
	}
	inv := inventoryOf(in.Inventory)
	if in.Repo == "" {
		in.Repos, in.Inventory, inv = nil, nil, inventory{}
		in.Desired = in.owned()
	}
	plan := Make(in)
	var preview Preview
	var refusals []error
	if gone := plan.newlyUnwanted(inv); !in.AllowPrune && prunesMost(gone, inv) {
		refusals = append(refusals, &MassPruneError{Pruned: gone, Of: len(inv)})
	}
	applied, faults, err := a.previewApply(ctx, plan.Apply)
	if err != nil {
		return preview, err
	}
	if faults = append(plan.Refused, faults...); len(faults) > 0 {
		refusals = append(refusals, &RefusedError{Faults: faults})
	}
	preview.Objects, preview.Refusal = applied, errors.Join(refusals...)
	for _, key := range plan.Prune {
		before, err := a.whole(ctx, in.Namespace, key)
		if err != nil {
			return preview, err
		}
		if before != nil {
			preview.Objects = append(preview.Objects, PreviewObject{Key: key, Before: before})
		}
	}
	return preview, nil
}

// previewApply asks the API server what it would make of each object. Those that it
// would refuse are faults.
func (a Applier) previewApply(ctx context.Context, changes []Change) ([]PreviewObject, []Fault, error) {
	objects := make([]PreviewObject, len(changes))
	messages := make([]string, len(changes))
	err := each(len(changes), func(i int) (err error) {
		c := changes[i]
		objects[i] = PreviewObject{Key: c.Key, File: c.File, Cause: c.Cause}
		if objects[i].Before, err = a.whole(ctx, c.Config.GetNamespace(), c.Key); err != nil {
			return err
		}
		live, err := metadataOf(objects[i].Before)
		if err != nil {
			return err
		}
		objects[i].After, err = a.dryRun(ctx, c.Desired, live)
		switch {
		case err == nil:
			return nil
		case refused(err) && !apierrors.IsForbidden(err):
			messages[i] = err.Error()
			return nil
		default:
			return fmt.Errorf("try to apply %s: %w", c.Key, err)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	var taken []PreviewObject
	var faults []Fault
	for i, message := range messages {
		if message == "" {
			taken = append(taken, objects[i])
			continue
		}
		faults = append(faults, Fault{File: objects[i].File, Key: objects[i].Key, Message: message})
	}
	return taken, faults, nil
}

// owned are the desired objects with the owners that they have.
func (in Input) owned() []Desired {
	all := slices.Clone(in.Desired)
	for i, d := range all {
		live, exists := in.Live[d.Key]
		if !exists {
			continue
		}
		if owner, has := live.GetLabels()[v1alpha1.ConfigRepoLabel]; has {
			all[i].Config = d.Config.DeepCopy()
			all[i].Config.SetLabels(merged(d.Config.GetLabels(), map[string]string{v1alpha1.ConfigRepoLabel: owner}))
		}
	}
	return all
}

// whole returns an object as the API server has it, or nil.
func (a Applier) whole(ctx context.Context, namespace string, key Key) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(key.Kind))
	err := a.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: key.Name}, object)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // that there is none is a usual answer
	}
	return object, nil
}

func metadataOf(object *unstructured.Unstructured) (*metav1.PartialObjectMetadata, error) {
	if object == nil {
		return nil, nil //nolint:nilnil // what isn't there has none
	}
	var metadata metav1.PartialObjectMetadata
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &metadata); err != nil {
		return nil, fmt.Errorf("decode %s: %w", object.GetName(), err)
	}
	return &metadata, nil
}
