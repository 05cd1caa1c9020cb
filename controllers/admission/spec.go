package admission

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/turn"
)

// specValidator admits objects whose spec may be changed.
type specValidator[T client.Object] struct {
	kind     string
	spec     func(T) any
	validate func(T) field.ErrorList
	// turns are those of all kinds: expressions may take a second to compile.
	turns *turn.Turns
}

// ValidateCreate refuses an invalid object, with everything that is wrong.
func (v specValidator[T]) ValidateCreate(ctx context.Context, obj T) (ctrladmission.Warnings, error) {
	return nil, v.decide(ctx, obj)
}

// ValidateUpdate refuses a change to an invalid spec. Whatever leaves the spec
// alone gets through: an object that was valid before a rule was added must
// still take labels, lose its finalizers and go.
func (v specValidator[T]) ValidateUpdate(ctx context.Context, before, after T) (ctrladmission.Warnings, error) {
	if !after.GetDeletionTimestamp().IsZero() || apiequality.Semantic.DeepEqual(v.spec(before), v.spec(after)) {
		return nil, nil
	}
	return nil, v.decide(ctx, after)
}

func (v specValidator[T]) decide(ctx context.Context, obj T) error {
	done, err := v.turns.Take(ctx, obj.GetNamespace())
	if err != nil {
		return apierrors.NewTooManyRequests("other objects of the namespace are being validated: try again", 1)
	}
	defer done()
	return invalid(v.kind, obj, v.validate(obj))
}

// ValidateDelete is never asked: only writes are sent here.
func (v specValidator[T]) ValidateDelete(context.Context, T) (ctrladmission.Warnings, error) {
	return nil, nil
}

func invalid(kind string, obj client.Object, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(v1alpha1.GroupVersion().WithKind(kind).GroupKind(), obj.GetName(), errs)
}
