package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// admit reports whether the job may start, given the jobs that it needs. If not,
// the status says whether it waits or has ended.
func (f *Facts) admit(spec *v1alpha1.Job, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	if spec.Finally {
		return f.admitFinally(spec, s, done, d)
	}
	waits, failed := false, false
	for _, need := range spec.Needs {
		switch needed := done[need]; {
		case needed == nil:
			// Validation refuses such a Pipeline. Never starting is the safe reading.
			return f.finish(s, v1alpha1.JobSkipped, v1alpha1.ReasonNeedsFailed, fmt.Sprintf("needs %s, which is no earlier job", need)), false
		case !needed.Phase.Finished():
			waits = true
		case !needed.HasPassed():
			failed = true
		}
	}
	if waits && (spec.If != "" || !failed) {
		return await(s, "needs "+strings.Join(spec.Needs, ", ")), false
	}
	ancestors := graph.Ancestors(f.Spec.Jobs, spec.Name)
	reason, message := unsuccessful(spec, ancestors, done)
	if spec.If == "" && reason != "" {
		return f.finish(s, v1alpha1.JobSkipped, reason, message), false
	}
	// Not the needs alone: one that was skipped early may have ended before what it
	// needs itself.
	if i := slices.IndexFunc(ancestors, func(name string) bool { return !done[name].Phase.Finished() }); i >= 0 {
		return await(s, "comes after "+ancestors[i]+", which has not ended"), false
	}
	if spec.If == "" {
		return s, true
	}
	return f.evaluate(spec, s, ancestors, done, d)
}

// admitFinally reports whether the finally job may start.
func (f *Facts) admitFinally(spec *v1alpha1.Job, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	ancestors := graph.Ancestors(f.Spec.Jobs, spec.Name)
	goesOn := func(name string) bool { return !done[name].Phase.Finished() }
	switch i := slices.IndexFunc(ancestors, goesOn); {
	case i < 0 && spec.If == "":
		return s, true
	case i < 0:
		return f.evaluate(spec, s, ancestors, done, d)
	case f.isFinally(ancestors[i]):
		return await(s, "needs "+strings.Join(spec.Needs, ", ")), false
	default:
		return await(s, "comes after all other jobs"), false
	}
}

// unrecordedFailure returns an earlier job that has ended without success as far
// as is known now, or blank. The job that starts all the same is told so, and of
// what the other has left, and a later look may see more of that: a pod that this
// one didn't. Of what has succeeded everything is known.
func (f *Facts) unrecordedFailure(spec *v1alpha1.Job, done map[string]*v1alpha1.JobStatus) string {
	for _, name := range graph.Ancestors(f.Spec.Jobs, spec.Name) {
		stopped := done[name].Phase == v1alpha1.JobFailed || done[name].Phase == v1alpha1.JobCancelled
		if stopped && !f.recorded(name).Phase.Finished() {
			return name
		}
	}
	return ""
}

func await(s v1alpha1.JobStatus, message string) v1alpha1.JobStatus {
	s.Reason, s.Message = v1alpha1.ReasonAwaitingNeeds, message
	return s
}

// unsuccessful says, with a reason, which ancestor of the job has ended without
// success: one that it needs itself rather than a distant one, and one that
// failed rather than one that was skipped.
func unsuccessful(spec *v1alpha1.Job, ancestors []string, done map[string]*v1alpha1.JobStatus) (reason, message string) {
	broken := func(name string) bool {
		return done[name].Phase.Finished() && !done[name].HasPassed()
	}
	failed := func(name string) bool { return broken(name) && done[name].Phase != v1alpha1.JobSkipped }
	blamed := func(name string) bool {
		return failed(name) || broken(name) && done[name].Reason == v1alpha1.ReasonNeedsFailed
	}

	reason = v1alpha1.ReasonNeedsSkipped
	if slices.ContainsFunc(ancestors, blamed) {
		reason = v1alpha1.ReasonNeedsFailed
	}
	for _, choice := range []struct {
		relation string
		among    []string
		is       func(string) bool
	}{
		{"needs", spec.Needs, failed},
		{"needs", spec.Needs, broken},
		{"comes after", ancestors, failed},
		{"comes after", ancestors, broken},
	} {
		if i := slices.IndexFunc(choice.among, choice.is); i >= 0 {
			name := choice.among[i]
			return reason, fmt.Sprintf("%s %s, which %s", choice.relation, name, word(done[name].Phase))
		}
	}
	return "", ""
}

// evaluate decides by the job's condition, now that all its ancestors have ended.
func (f *Facts) evaluate(spec *v1alpha1.Job, s v1alpha1.JobStatus, ancestors []string, done map[string]*v1alpha1.JobStatus, d *Decision) (v1alpha1.JobStatus, bool) {
	condition, err := f.Expressions.CompileCondition(spec.If, expr.JobScope(&f.Spec, spec.Name))
	if err != nil {
		return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonInvalidCondition, evidence.Shorten("its condition is invalid: "+err.Error())), false
	}
	if condition.UsesNumber() && f.Number == 0 {
		return f.awaitNumber(s, d), false
	}
	vars := expr.RunVars{
		Params: f.Params, Run: expr.NewRun(f.Run, f.Number), Jobs: map[string]expr.Job{}, Allowed: map[string]bool{},
		Budget: expr.NewBudget(conditions(f.Spec.Jobs)),
	}
	for _, name := range ancestors {
		vars.Jobs[name] = expr.Job{Phase: string(done[name].Phase), Outputs: done[name].Outputs}
		vars.Allowed[name] = done[name].FailureAllowed
	}
	holds, err := condition.Eval(vars)
	switch {
	case err != nil:
		return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonInvalidCondition, evidence.Shorten("its condition can't be evaluated: "+err.Error())), false
	case holds:
		return s, true
	}
	if reason, message := unsuccessful(spec, ancestors, done); reason != "" && condition.AsksSuccess() {
		return f.finish(s, v1alpha1.JobSkipped, reason, message), false
	}
	source := strings.Join(strings.Fields(spec.If), " ")
	return f.finish(s, v1alpha1.JobSkipped, v1alpha1.ReasonConditionFalse, "its condition is false: "+printable.Cut(source, maxSummary)), false
}

// conditions is how many jobs have one. What their evaluation may take is shared out
// beforehand, so that what becomes of one is the same whenever the others come.
func conditions(jobs []v1alpha1.Job) int {
	count := 0
	for i := range jobs {
		if jobs[i].If != "" {
			count++
		}
	}
	return count
}

// awaitNumber asks for the Run's number, which the job's condition depends on.
func (f *Facts) awaitNumber(s v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if refusal, deferred := f.Deferred[s.Name]; deferred {
		return f.postpone(s, refusal, d)
	}
	d.Number = append(d.Number, s.Name)
	return s
}

func word(phase v1alpha1.JobPhase) string {
	switch phase {
	case v1alpha1.JobFailed:
		return "failed"
	case v1alpha1.JobCancelled:
		return "was cancelled"
	default:
		return "was skipped"
	}
}
