package admission

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

// approvals admits approvals of a Run's jobs. It is asked apart from runs, since
// an approval that nobody has judged must not be stored whatever may be stored
// unseen besides.
type approvals runs

// ValidateCreate judges approvals that a Run is created with.
func (v approvals) ValidateCreate(ctx context.Context, run *v1alpha1.Run) (ctrladmission.Warnings, error) {
	return nil, v.validate(ctx, &v1alpha1.Run{}, run)
}

// ValidateUpdate judges approvals that a Run has got.
func (v approvals) ValidateUpdate(ctx context.Context, before, after *v1alpha1.Run) (ctrladmission.Warnings, error) {
	return nil, v.validate(ctx, before, after)
}

// ValidateDelete is never asked: only writes are sent here.
func (v approvals) ValidateDelete(context.Context, *v1alpha1.Run) (ctrladmission.Warnings, error) {
	return nil, nil
}

func (v approvals) validate(ctx context.Context, before, after *v1alpha1.Run) error {
	if apiequality.Semantic.DeepEqual(before.Spec.Approvals, after.Spec.Approvals) {
		return nil
	}
	if err := v.access.require(ctx, after, v1alpha1.ApproveVerb, "approve jobs of Runs"); err != nil {
		return err
	}
	if before.Status.Phase.Finished() {
		return invalid(v1alpha1.RunKind, after, field.ErrorList{
			field.Forbidden(field.NewPath("spec", "approvals"), "the Run has finished: nothing of it waits for an approval"),
		})
	}
	return v.asked(ctx, after)
}

// asked refuses approvals that no job asks for. What those are is unknown while
// the Pipeline doesn't exist; the Run's status says which are ignored.
func (v approvals) asked(ctx context.Context, run *v1alpha1.Run) error {
	spec, err := named(ctx, v.cached, run)
	if err == nil && spec != nil && len(validation.Approvals(run.Spec.Approvals, spec)) == 0 {
		return nil
	}
	if spec, err = named(ctx, v.live, run); err != nil {
		return apierrors.NewInternalError(err)
	}
	if spec == nil {
		return nil
	}
	return invalid(v1alpha1.RunKind, run, validation.Approvals(run.Spec.Approvals, spec))
}
