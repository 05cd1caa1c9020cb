package validation

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

// maxExpressions bounds the expressions of one object together, in bytes: those
// that are made to take long to compile take a second for some kilobytes.
const maxExpressions = 64 << 10

// validateConditions compiles the jobs' conditions. A job or parameter that a
// condition names must be one that it can see.
func validateConditions(spec *v1alpha1.PipelineSpec, budget *expr.CompileBudget, path *field.Path) field.ErrorList {
	if !slices.ContainsFunc(spec.Jobs, func(j v1alpha1.Job) bool { return j.If != "" }) {
		return nil
	}
	total := 0
	for i := range spec.Jobs {
		total += len(spec.Jobs[i].If)
	}
	if total > maxExpressions {
		return field.ErrorList{field.Forbidden(path, tooManyExpressions("the jobs' `if`", total))}
	}
	env, err := expr.SharedRunEnv()
	if err != nil {
		return field.ErrorList{field.InternalError(path, err)}
	}
	env = env.Within(budget)
	var errs field.ErrorList
	for i := range spec.Jobs {
		source := spec.Jobs[i].If
		if source == "" {
			continue
		}
		scope := expr.JobScope(spec, spec.Jobs[i].Name)
		condition, err := env.CompileCondition(source, scope)
		if err == nil {
			err = condition.Vet(scope)
		}
		if err != nil {
			errs = append(errs, invalidExpression(path.Index(i).Child("if"), err))
		}
		if errors.Is(err, expr.ErrTooMuchToCompile) {
			break
		}
	}
	return errs
}

// invalidExpression doesn't repeat the expression, which may compare something with
// a secret.
func invalidExpression(path *field.Path, err error) *field.Error {
	return field.Invalid(path, field.OmitValueType{}, err.Error())
}

func tooManyExpressions(what string, total int) string {
	return fmt.Sprintf("%s have %d bytes together, and %d is the limit", what, total, maxExpressions)
}
