package act

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

// maxReason is how long the message of an approval may be, in characters.
const maxReason = 256

// Answer is what somebody says to a job that asks for an approval.
type Answer struct {
	// Job that is answered.
	Job string
	// Refused says no.
	Refused bool
	// Reason for people to read.
	Reason string
}

func (a Answer) verb() string {
	if a.Refused {
		return "refuse"
	}
	return "approve"
}

// Approve answers a job of the Run, which is the one that was looked at or none: what
// a person has seen is what is approved. Who it was the API server's admission says.
func Approve(ctx context.Context, c client.Client, run *v1alpha1.Run, answer Answer) (*v1alpha1.Run, error) {
	doing := fmt.Sprintf("%s %s of Run %s", answer.verb(), answer.Job, view.Address(run))
	if err := askable(run, answer); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	approval := v1alpha1.Approval{Job: answer.Job, Refused: answer.Refused, Message: answer.Reason}
	// Without the admission webhook a list that leaves the earlier ones out is refused.
	all := append(slices.Clone(run.Spec.Approvals), approval)
	after, err := patch(ctx, c, run, map[string]any{"spec": map[string]any{"approvals": all}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return after, nil
}

// askable says why the job can't be answered, as far as the Run shows it. Whether the
// job asks at all admission knows.
func askable(run *v1alpha1.Run, answer Answer) error {
	if n := utf8.RuneCountInString(answer.Reason); n > maxReason {
		return fmt.Errorf("the reason has %d characters: %d are allowed", n, maxReason)
	}
	if run.Status.Phase.Finished() {
		return fmt.Errorf("the Run has ended, as %s", run.Status.Phase)
	}
	for _, given := range run.Spec.Approvals {
		if given.Job == answer.Job {
			return fmt.Errorf("that was answered before, %s", told(given))
		}
	}
	i := slices.IndexFunc(run.Status.Jobs, func(s v1alpha1.JobStatus) bool { return s.Name == answer.Job })
	switch {
	case i < 0 && len(run.Status.Jobs) > 0:
		return fmt.Errorf("the Run has no such job: %s", waiting(run))
	case i >= 0 && run.Status.Jobs[i].Phase != v1alpha1.JobWaiting:
		return fmt.Errorf("the job is %s, and waits for no approval: %s", run.Status.Jobs[i].Phase, waiting(run))
	}
	return nil
}

func told(given v1alpha1.Approval) string {
	text := "with a yes"
	if given.Refused {
		text = "with a no"
	}
	if given.By != "" {
		text += " by " + given.By
	}
	return text
}

// Awaiting returns the jobs of the Run that wait for an approval.
func Awaiting(run *v1alpha1.Run) []v1alpha1.JobStatus {
	return slices.DeleteFunc(slices.Clone(run.Status.Jobs), func(s v1alpha1.JobStatus) bool { return !Awaits(&s) })
}

// Awaits reports whether the job waits for an approval.
func Awaits(job *v1alpha1.JobStatus) bool {
	return job.Phase == v1alpha1.JobWaiting && job.Reason == v1alpha1.ReasonAwaitingApproval
}

func waiting(run *v1alpha1.Run) string {
	jobs := Awaiting(run)
	if len(jobs) == 0 {
		return "nothing of it waits for one"
	}
	names := make([]string, 0, len(jobs))
	for i := range jobs {
		names = append(names, jobs[i].Name)
	}
	return "waiting for one is " + strings.Join(names, ", ")
}
