package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/act"
	"github.com/kayci/kayci/runs/view"
)

type approveCommand struct {
	*Env
	answer act.Answer
	yes    bool
}

func newApproveCommand(env *Env) *cobra.Command {
	approve := &approveCommand{Env: env}
	cmd := &cobra.Command{
		Use:   "approve [RUN] [JOB]",
		Short: "Answer a job that waits for an approval",
		Long: "Let a job start that waits for an approval, or have it fail, by --refuse. What it asks, of\n" +
			"which commit, and what has run before is shown first. The answer holds for the Run that was\n" +
			"shown, and for no other that has got its name since. It can't be taken back.\n\n" +
			"Without JOB the one that waits is meant, and without RUN the one that has such a job.\n\n" + addressing,
		Example: "  kayci approve web/12 deploy\n" +
			"  kayci approve web/12 deploy --refuse --reason 'not on a Friday'",
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: env.complete(env.completeRuns, completeJobs(act.Awaits)),
		RunE:              func(cmd *cobra.Command, args []string) error { return approve.do(cmd.Context(), args) },
	}
	env.Cluster.AddFlags(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&approve.answer.Refused, "refuse", false, "say no: the job fails")
	f.StringVar(&approve.answer.Reason, "reason", "", "why, for people to read; 256 characters at most")
	f.BoolVarP(&approve.yes, "yes", "y", false, "don't ask")
	return cmd
}

func (a *approveCommand) do(ctx context.Context, args []string) error {
	run, err := a.runToChange(ctx, args, func(r *v1alpha1.Run) bool { return len(act.Awaiting(r)) > 0 }, "waits for an approval")
	if err != nil {
		return err
	}
	if a.answer.Job, err = jobToAnswer(run, args); err != nil {
		return err
	}
	if err := a.confirm(ctx, run); err != nil {
		return err
	}
	c, err := a.Cluster.Client()
	if err != nil {
		return err
	}
	if _, err := act.Approve(ctx, c, run, a.answer); err != nil {
		return err
	}
	said := "approved"
	if a.answer.Refused {
		said = "refused"
	}
	_, err = fmt.Fprintf(a.Out, "Job %s of Run %s is %s.\n", a.answer.Job, view.Address(run), said)
	return err
}

// jobToAnswer is the one that is named, or the only one that waits.
func jobToAnswer(run *v1alpha1.Run, args []string) (string, error) {
	if len(args) > 1 {
		return args[1], nil
	}
	jobs := act.Awaiting(run)
	names := make([]string, 0, len(jobs))
	for i := range jobs {
		names = append(names, jobs[i].Name)
	}
	switch len(names) {
	case 0:
		return "", usage("nothing of Run %s waits for an approval", view.Address(run))
	case 1:
		return names[0], nil
	default:
		return "", usage("several jobs of Run %s wait for an approval: say which: %s", view.Address(run), strings.Join(names, ", "))
	}
}

// confirm shows what is decided, and asks.
func (a *approveCommand) confirm(ctx context.Context, run *v1alpha1.Run) error {
	finder, err := a.finder()
	if err != nil {
		return err
	}
	// Who may approve may lack the right to read what the Run executes. Its status
	// repeats the question.
	spec, _ := finder.Spec(ctx, run)
	seen := view.Of(view.Facts{Run: run, Spec: spec, Now: a.Now()})
	if _, err := fmt.Fprint(a.Err, asked(&seen, a.answer.Job)); err != nil {
		return err
	}
	if a.yes {
		return nil
	}
	question, refusing := "Approve it?", a.answer.Refused
	if refusing {
		question = "Refuse it?"
	}
	if !a.Terminal.Interactive() {
		return usage("there is nobody to ask whether it is to be so: say --yes")
	}
	sure, err := a.Terminal.Confirm(ctx, question)
	if err == nil && !sure {
		return usage("nothing was answered")
	}
	return err
}

// asked is what a person decides on: the commit, what has run before, and the question.
func asked(run *view.Run, job string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Run %s\n", run.Address)
	for _, line := range []struct{ name, value string }{
		{"commit", strings.TrimSpace(run.Origin.Commit() + " " + run.Origin.Title)}, {"by", run.Origin.By}, {"page", run.Origin.URL},
	} {
		if line.value != "" {
			fmt.Fprintf(&text, "  %-7s %s\n", line.name, line.value)
		}
	}
	for i := range run.Jobs {
		before := &run.Jobs[i]
		if before.Name != job && before.State.Ended() {
			fmt.Fprintf(&text, "  %s %s %s\n", before.State.Symbol(), before.Name, strings.ToLower(before.State.Word()))
		}
	}
	fmt.Fprintf(&text, "Job %s", job)
	if this := run.Job(job); this != nil && this.Approval != nil && this.Approval.Question != "" {
		fmt.Fprintf(&text, " asks: %s", this.Approval.Question)
	}
	return text.String() + "\n"
}
