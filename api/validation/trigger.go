package validation

import (
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Trigger validates a whole Trigger; its expressions must compile.
func Trigger(t *v1alpha1.Trigger) field.ErrorList {
	errs := validateName(t.Name, maxNameLength, field.NewPath("metadata", "name"))
	spec := field.NewPath("spec")
	errs = append(errs, validateName(t.Spec.Pipeline, maxNameLength, spec.Child("pipeline"))...)
	total := 0
	for _, source := range t.Spec.Params {
		total += len(source)
	}
	if total > maxExpressions {
		return append(errs, field.Forbidden(spec.Child("params"), tooManyExpressions("the parameters' expressions", total)))
	}
	env, err := TriggerEnv(&t.Spec)
	if err != nil {
		return append(errs, field.InternalError(spec, err))
	}
	env = env.Within(expr.NewCompileBudget())
	errs = append(errs, validateTriggerParams(env, t.Spec.Params, spec.Child("params"))...)
	errs = append(errs, validateReport(&t.Spec, spec.Child("report"))...)
	return append(errs, validateSource(env, &t.Spec, spec)...)
}

// TriggerEnv returns the environment of a Trigger's expressions: what they see
// depends on what starts its Runs.
func TriggerEnv(t *v1alpha1.TriggerSpec) (*expr.Env, error) {
	switch {
	case t.Schedule != nil:
		return expr.SharedScheduleEnv()
	case t.Run != nil:
		return expr.SharedRunEndEnv()
	case t.Resource != nil:
		return expr.SharedResourceEnv()
	default:
		return expr.SharedTriggerEnv()
	}
}

// validateSource checks what starts Runs: there is exactly one such thing.
func validateSource(env *expr.Env, t *v1alpha1.TriggerSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	sources := 0
	if t.Webhook != nil {
		sources++
		errs = append(errs, validateWebhook(env, t.Webhook, path.Child("webhook"))...)
	}
	if t.Schedule != nil {
		sources++
		errs = append(errs, validateSchedule(t.Schedule, path.Child("schedule"))...)
	}
	if t.Run != nil {
		sources++
		errs = append(errs, validateRunEnd(env, t.Run, t.Pipeline, path.Child("run"))...)
	}
	if t.Poll != nil {
		sources++
		errs = append(errs, validatePoll(t.Poll, path.Child("poll"))...)
	}
	if t.Resource != nil {
		sources++
		errs = append(errs, validateResource(env, t.Resource, path.Child("resource"))...)
	}
	switch {
	case sources == 0:
		errs = append(errs, field.Required(path, "webhook, schedule, run, poll or resource is missing: one of them starts the Runs"))
	case sources > 1:
		errs = append(errs, field.Forbidden(path, "a Trigger has exactly one source of Runs, webhook, schedule, run, poll or resource: write a Trigger for each"))
	}
	return errs
}

func validateTriggerParams(env *expr.Env, params map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(params)) {
		at := path.Key(name)
		errs = append(errs, validateParamName(name, at)...)
		param, err := env.CompileParam(params[name])
		if err == nil {
			err = param.Vet()
		}
		if err != nil {
			errs = append(errs, invalidExpression(at, err))
		}
		if errors.Is(err, expr.ErrTooMuchToCompile) {
			break
		}
	}
	return errs
}

func validateTriggerCondition(env *expr.Env, source string, path *field.Path) field.ErrorList {
	if source == "" {
		return nil
	}
	condition, err := env.CompileCondition(source)
	if err == nil {
		err = condition.Vet()
	}
	if err != nil {
		return field.ErrorList{invalidExpression(path, err)}
	}
	return nil
}
