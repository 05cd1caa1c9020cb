package run

import (
	"context"
	"errors"
	"slices"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// act does what was decided and notes the outcome in the observation. One
// failure doesn't keep the rest from being done, but for what rests on it.
func (r *Reconciler) act(ctx context.Context, o *observation, d *plan.Decision) error {
	errs := []error{r.end(ctx, o, d)}
	if d.DeleteWorkspace {
		errs = append(errs, r.deleteWorkspace(ctx, o))
	}
	if d.Vacate {
		errs = append(errs, r.vacate(ctx, o))
	}
	if len(d.Create)+len(d.Serve) > 0 {
		errs = append(errs, r.createAll(ctx, o, d))
	}
	return errors.Join(errs...)
}

func (r *Reconciler) createAll(ctx context.Context, o *observation, d *plan.Decision) error {
	if err := r.confirmNames(ctx, o); err != nil {
		return err
	}
	names := slices.Concat(d.Serve, d.Create)
	if err := r.numberOrDefer(ctx, o, names); err != nil || o.Number == 0 {
		return err
	}
	if room, err := r.workspaceOrDefer(ctx, o, names); err != nil || !room {
		return err
	}
	errs := []error{r.serve(ctx, o, d.Serve)}
	for _, name := range d.Create {
		built := job.Build(o.Run, o.Number, &o.Spec, o.jobSpec(name))
		earlier := ancestors(o, d, name)
		job.AddOutputs(built, inherited(earlier))
		if len(earlier) > 0 && o.startsAnyway(name, earlier) {
			job.AddPhases(built, earlier, d.Outcome)
		}
		errs = append(errs, r.create(ctx, o, name, built))
	}
	return errors.Join(errs...)
}

// ancestors returns what became of the jobs before this one, as the decision has
// it: some may not have been recorded yet.
func ancestors(o *observation, d *plan.Decision, name string) []v1alpha1.JobStatus {
	names := graph.Ancestors(o.Spec.Jobs, name)
	var earlier []v1alpha1.JobStatus
	for i := range d.Status.Jobs {
		if slices.Contains(names, d.Status.Jobs[i].Name) {
			earlier = append(earlier, d.Status.Jobs[i])
		}
	}
	return earlier
}

// inherited returns the outputs of the jobs before.
func inherited(earlier []v1alpha1.JobStatus) []job.Outputs {
	var outputs []job.Outputs
	for i := range earlier {
		if s := &earlier[i]; len(s.Outputs) > 0 {
			outputs = append(outputs, job.Outputs{Job: s.Name, Values: s.Outputs})
		}
	}
	return outputs
}

// startsAnyway reports whether the job may start though one before it has not
// succeeded. To others it goes without saying that all have.
func (o *observation) startsAnyway(name string, earlier []v1alpha1.JobStatus) bool {
	spec := o.jobSpec(name)
	return spec.If != "" || spec.Finally || slices.ContainsFunc(earlier, func(s v1alpha1.JobStatus) bool {
		return o.jobSpec(s.Name).AllowFailure
	})
}
