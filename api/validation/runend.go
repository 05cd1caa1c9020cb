package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

func validateRunEnd(env *expr.Env, r *v1alpha1.RunEnd, starts string, path *field.Path) field.ErrorList {
	errs := validateName(r.Pipeline, maxNameLength, path.Child("pipeline"))
	if r.Pipeline == starts {
		errs = append(errs, field.Invalid(path.Child("pipeline"), r.Pipeline, "is what the Trigger starts: each Run would start the next"))
	}
	for i, phase := range r.Phases {
		if !phase.Finished() {
			errs = append(errs, field.NotSupported(path.Child("phases").Index(i), phase, []v1alpha1.RunPhase{v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunCancelled}))
		}
	}
	if forks := []v1alpha1.RunEndForks{"", v1alpha1.RunEndForksIgnore, v1alpha1.RunEndForksRun}; !slices.Contains(forks, r.Forks) {
		errs = append(errs, field.NotSupported(path.Child("forks"), r.Forks, forks[1:]))
	}
	return append(errs, validateTriggerCondition(env, r.If, path.Child("if"))...)
}
