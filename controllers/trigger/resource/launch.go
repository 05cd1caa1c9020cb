package resource

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// start starts the Run of a change, if that is to have one. A fault is somebody's to act
// on.
func (r *Reconciler) start(ctx context.Context, trigger *v1alpha1.Trigger, one change) (outcome, error) {
	vars, err := variables(trigger, one)
	if err != nil {
		return ignored, err
	}
	if yes, err := holds(&trigger.Spec, vars); !yes || err != nil {
		return ignored, err
	}
	vars.Budget = expr.NewBudget(1)
	run, err := r.Launcher.Launch(ctx, source.Request{
		Trigger: trigger,
		Vars:    vars,
		Origin:  v1alpha1.Origin{Delivery: delivery(one)},
		Reason:  reason(trigger, one),
	})
	if err != nil {
		return ignored, err
	}
	ctrl.LoggerFrom(ctx).Info("A change of an object started a Run", "run", run.Name, "object", one.object.GetName(), "change", one.event)
	return started, nil
}

// variables are what expressions see of a change.
func variables(trigger *v1alpha1.Trigger, one change) (expr.ResourceVars, error) {
	kind := schema.FromAPIVersionAndKind(trigger.Spec.Resource.APIVersion, trigger.Spec.Resource.Kind)
	object, err := content(one.object, kind)
	if err != nil {
		return expr.ResourceVars{}, fault.New("", fmt.Sprintf("the object can't be read: %v", err))
	}
	old, err := content(one.old, kind)
	if err != nil {
		return expr.ResourceVars{}, fault.New("", fmt.Sprintf("the old object can't be read: %v", err))
	}
	return expr.ResourceVars{Object: object, OldObject: old, Event: one.event}, nil
}

// holds reports whether a change is what the Trigger waits for.
func holds(trigger *v1alpha1.TriggerSpec, vars expr.ResourceVars) (bool, error) {
	if trigger.Resource.If == "" {
		return true, nil
	}
	env, err := validation.TriggerEnv(trigger)
	if err != nil {
		return false, err
	}
	condition, err := env.CompileCondition(trigger.Resource.If)
	if err != nil {
		return false, fault.New("", fmt.Sprintf("spec.resource.if: %v", err))
	}
	yes, err := condition.Eval(vars)
	if err != nil {
		return false, fault.New("", fmt.Sprintf("spec.resource.if: %v", err))
	}
	return yes, nil
}

// delivery names a change: an object is deleted once.
func delivery(one change) string {
	if one.event == v1alpha1.ResourceDeleted {
		return string(one.object.GetUID()) + "@deleted"
	}
	return string(one.object.GetUID()) + "@" + one.object.GetResourceVersion()
}

// reason why there is a Run, for people.
func reason(trigger *v1alpha1.Trigger, one change) string {
	return fmt.Sprintf("%s %s was %s, resource version %s", trigger.Spec.Resource.Kind, one.object.GetName(), strings.ToLower(string(one.event)), one.object.GetResourceVersion())
}
