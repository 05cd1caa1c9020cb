package webhook

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/trigger/event"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// Params of a Run are those of the body of a generic webhook, and over them those of
// the Trigger's expressions. body gives the decoded JSON. The error is somebody's to
// act on.
func Params(env *expr.Env, trigger *v1alpha1.Trigger, pipeline *v1alpha1.Pipeline, e *event.Event, body func() any) (map[string]string, error) {
	params := map[string]string{}
	if trigger.Spec.Webhook.Provider == v1alpha1.ProviderGeneric {
		fields, err := bodyParams(trigger, pipeline, body())
		if err != nil {
			return nil, err
		}
		params = fields
	}
	vars := expr.Vars{Event: e.Expr(), Body: body, Budget: expr.NewBudget(1)}
	if problems := source.Evaluate(env, trigger.Spec.Params, vars, params); len(problems) > 0 {
		return nil, fault.New("", strings.Join(problems, "; "))
	}
	if _, errs := validation.Params(pipeline.Spec.Params, params); len(errs) > 0 {
		return nil, fault.New("", errs.ToAggregate().Error())
	}
	return params, nil
}

// maxBodyParams is what a Run may carry.
const maxBodyParams = 64

// bodyParams turns the fields of a generic webhook's body into parameters. A
// field that the Pipeline doesn't declare is refused later as the misspelling
// that it most likely is, unless the Trigger has expressions: then the body has a
// format of its own, and they say what is taken from it.
func bodyParams(trigger *v1alpha1.Trigger, pipeline *v1alpha1.Pipeline, body any) (map[string]string, error) {
	fields, _ := body.(map[string]any)
	params := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		_, overridden := trigger.Spec.Params[name]
		declared := slices.ContainsFunc(pipeline.Spec.Params, func(p v1alpha1.Param) bool { return p.Name == name })
		if overridden || !declared && len(trigger.Spec.Params) > 0 {
			continue
		}
		if len(params) == maxBodyParams {
			return nil, fault.New("", fmt.Sprintf("the body has more than %d fields, and each is a parameter", maxBodyParams))
		}
		value, err := expr.Scalar(fields[name])
		if err != nil {
			return nil, fault.New("", fmt.Sprintf("the body's field %.64q %v", name, err))
		}
		params[name] = value
	}
	return params, nil
}
