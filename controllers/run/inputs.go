package run

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
)

// observeInputs notes what the Run was given. One of which nothing has been made
// yet is checked first.
func (r *Reconciler) observeInputs(o *observation) error {
	if o.Run.Status.Phase.Finished() {
		return nil
	}
	if o.Number == 0 {
		if err := check(&o.Spec, o.Run); err != nil {
			return err
		}
	}
	o.Params = validation.EffectiveParams(o.Spec.Params, o.Run.Spec.Params)
	if !slices.ContainsFunc(o.Spec.Jobs, func(j v1alpha1.Job) bool { return j.If != "" }) {
		return nil
	}
	env, err := expr.SharedRunEnv()
	o.Expressions = env
	return err
}

// check refuses what can't run.
func check(spec *v1alpha1.PipelineSpec, run *v1alpha1.Run) error {
	if errs := validation.PipelineSpec(spec, field.NewPath("spec")); len(errs) > 0 {
		spec.Notifiers = nil // They may be what is wrong.
		return fault.New(v1alpha1.ReasonInvalidSpec, fmt.Sprintf("pipeline %s: %v", run.Spec.Pipeline, errs.ToAggregate()))
	}
	if _, errs := validation.Params(spec.Params, run.Spec.Params); len(errs) > 0 {
		return fault.New(v1alpha1.ReasonInvalidParameters, errs.ToAggregate().Error())
	}
	return nil
}
