// Package source is what the sources of Runs share that no request reaches:
// schedules and their like. Each finds out by itself what starts a Run, and what it
// has started already.
package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
)

// Evaluate puts the values of expressions into params, and returns what is wrong
// with the others.
func Evaluate(env *expr.Env, expressions map[string]string, vars expr.Variables, params map[string]string) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(expressions)) {
		value, err := evaluate(env, expressions[name], vars)
		if err != nil {
			problems = append(problems, fmt.Sprintf("spec.params[%s]: %v", name, err))
		}
		params[name] = value
	}
	return problems
}

func evaluate(env *expr.Env, source string, vars expr.Variables) (string, error) {
	param, err := env.CompileParam(source)
	if err != nil {
		return "", err
	}
	return param.Eval(vars)
}

// Params are the parameters of a Run of a Pipeline that declares these. The error is
// somebody's to act on.
func Params(trigger *v1alpha1.TriggerSpec, vars expr.Variables, declared []v1alpha1.Param) (map[string]string, error) {
	env, err := validation.TriggerEnv(trigger)
	if err != nil {
		return nil, err
	}
	params := map[string]string{}
	if problems := Evaluate(env, trigger.Params, vars, params); len(problems) > 0 {
		return nil, fault.New("", strings.Join(problems, "; "))
	}
	if _, errs := validation.Params(declared, params); len(errs) > 0 {
		return nil, fault.New("", errs.ToAggregate().Error())
	}
	return params, nil
}
