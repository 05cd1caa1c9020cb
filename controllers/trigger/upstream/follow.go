package upstream

import (
	"fmt"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// follows reports whether a Trigger that names the Run's Pipeline and phase starts a
// Run by its end. The error is somebody's to act on.
func follows(env *expr.Env, spec *v1alpha1.RunEnd, run *v1alpha1.Run) (bool, error) {
	if o := run.Spec.Origin; o != nil && o.Fork && spec.Forks != v1alpha1.RunEndForksRun {
		return false, nil
	}
	if spec.If != "" {
		condition, err := env.CompileCondition(spec.If)
		if err != nil {
			return false, fault.New(v1alpha1.ReasonCannotStart, fmt.Sprintf("spec.run.if: %v", err))
		}
		holds, err := condition.Eval(expr.RunEndVars{Run: expr.NewEndedRun(run)})
		if err != nil {
			return false, fault.New(v1alpha1.ReasonCannotStart, fmt.Sprintf("spec.run.if: %v", err))
		}
		if !holds {
			return false, nil
		}
	}
	if o := run.Spec.Origin; o != nil && o.Depth >= v1alpha1.MaxDepth {
		return false, fault.New(v1alpha1.ReasonTooDeep, fmt.Sprintf("%d Runs have led to it by their ends, one after the other, and that is the limit", o.Depth))
	}
	return true, nil
}

// origin is the origin of the Run that follows another: what that one was started by,
// so that a fork's stays a fork's.
func origin(run *v1alpha1.Run) v1alpha1.Origin {
	var from v1alpha1.Origin
	if run.Spec.Origin != nil {
		from = *run.Spec.Origin
	}
	from.Delivery, from.Digest, from.Run = string(run.UID), "", run.Name
	from.Depth++
	return from
}

// reason why there is a Run, for people.
func reason(run *v1alpha1.Run) string {
	return fmt.Sprintf("%s, number %d, of Pipeline %s has ended: %s", run.Name, run.Status.Number, run.Spec.Pipeline, run.Status.Phase)
}
