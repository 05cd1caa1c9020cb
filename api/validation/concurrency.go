package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	maxConcurrencyLimit = 1000
	maxConcurrencyGroup = 63
)

// validateConcurrency takes a limit of 0 and a blank policy for their defaults,
// which the API server sets.
func validateConcurrency(spec *v1alpha1.PipelineSpec, budget *expr.CompileBudget, path *field.Path) field.ErrorList {
	c := spec.Concurrency
	if c == nil {
		return nil
	}
	var errs field.ErrorList
	switch {
	case c.Key == "" && c.Group == "":
		errs = append(errs, field.Required(path.Child("key"), "unless there is a group"))
	case c.Key != "":
		if err := compileKey(spec, budget); err != nil {
			errs = append(errs, invalidExpression(path.Child("key"), err))
		}
	}
	if c.Group != "" {
		errs = append(errs, validateName(c.Group, maxConcurrencyGroup, path.Child("group"))...)
	}
	if c.Limit < 0 || c.Limit > maxConcurrencyLimit {
		errs = append(errs, field.Invalid(path.Child("limit"), c.Limit, "must be from 1 to 1000"))
	}
	policies := []v1alpha1.ConcurrencyPolicy{v1alpha1.ConcurrencyQueue, v1alpha1.ConcurrencyReplace, v1alpha1.ConcurrencySkip}
	if c.Policy != "" && !slices.Contains(policies, c.Policy) {
		errs = append(errs, field.NotSupported(path.Child("policy"), c.Policy, policies))
	}
	return errs
}

func compileKey(spec *v1alpha1.PipelineSpec, budget *expr.CompileBudget) error {
	env, err := expr.SharedRunEnv()
	if err != nil {
		return err
	}
	scope := expr.KeyScope(spec)
	key, err := env.Within(budget).CompileKey(spec.Concurrency.Key, scope)
	if err != nil {
		return err
	}
	return key.Vet(scope)
}
