// Package state says of a Run what is to stand at its commit. It is pure.
package state

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/trigger/pull"
)

// Held is what is to stand at a fork's head that waits to be let in.
func Held(trigger *v1alpha1.Trigger, head *v1alpha1.HeldHead) githost.Status {
	return githost.Status{
		State: githost.Pending, Context: Context(trigger),
		Description: printable.Cut(pull.Missing(trigger.Spec.ReportProvider(), head.SHA, true), githost.MaxDescription),
	}
}

// Released is what is to stand at a head that waits no more and has no Run.
func Released(last githost.Status) githost.Status {
	last.State, last.Description = githost.Cancelled, "was never let in: the pull request was closed, or has another head"
	return last
}

// Of returns what the Trigger wants to stand at the Run's commit. Page is the address of
// Runs' pages where the Trigger has none; blank: there is none.
func Of(trigger *v1alpha1.Trigger, run *v1alpha1.Run, page string) githost.Status {
	state, description := describe(run)
	return githost.Status{
		State: state, Context: Context(trigger), URL: Address(cmp.Or(trigger.Spec.Report.URL, page), trigger.Name, run),
		Description: printable.Cut(printable.Text(strings.Join(strings.Fields(description), " ")), githost.MaxDescription),
	}
}

// Context is what tells the Trigger's statuses from others.
func Context(trigger *v1alpha1.Trigger) string {
	return cmp.Or(trigger.Spec.Report.Context, "kayci/"+trigger.Name)
}

// Deleted is what is to stand at the commit of a Run that was deleted before it ended.
func Deleted(last githost.Status, run string) githost.Status {
	last.State, last.Description = githost.Cancelled, printable.Cut(fmt.Sprintf("Run %s was deleted before it had ended", run), githost.MaxDescription)
	return last
}

func describe(run *v1alpha1.Run) (state githost.State, description string) {
	message := ""
	if why := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition); why != nil {
		message = why.Message
	}
	switch run.Status.Phase {
	case v1alpha1.RunSucceeded:
		return githost.Success, cmp.Or(message, "succeeded")
	case v1alpha1.RunFailed:
		return githost.Failure, cmp.Or(message, "failed")
	case v1alpha1.RunCancelled:
		return githost.Cancelled, cmp.Or(message, "cancelled")
	case v1alpha1.RunQueued, v1alpha1.RunRunning:
	}
	state = githost.Pending
	if run.Status.Phase == v1alpha1.RunRunning {
		state = githost.Running
	}
	if asked := awaitsApproval(run); asked != "" {
		return state, asked
	}
	if state == githost.Pending {
		return state, strings.TrimSuffix("queued: "+message, ": ")
	}
	return state, progress(run, message)
}

// awaitsApproval asks the question of the first job that waits for an answer. The
// command that gives it is too long for a status, and is in the Run.
func awaitsApproval(run *v1alpha1.Run) string {
	for i := range run.Status.Jobs {
		job := &run.Status.Jobs[i]
		if job.Phase != v1alpha1.JobWaiting || job.Reason != v1alpha1.ReasonAwaitingApproval {
			continue
		}
		question, _, _ := strings.Cut(job.Message, "to approve: ")
		how := fmt.Sprintf("; see kubectl describe run %s -n %s", run.Name, run.Namespace)
		asked := strings.TrimSpace(job.Name + " waits for approval: " + strings.TrimSpace(question))
		asked = strings.TrimSuffix(asked, ":")
		return printable.Cut(asked, max(githost.MaxDescription-len(how), githost.MaxDescription/2)) + how
	}
	return ""
}

// progress counts the jobs that have ended. What keeps the Run from going on is what
// its condition says.
func progress(run *v1alpha1.Run, message string) string {
	ended := 0
	var running, stuck []string
	for i := range run.Status.Jobs {
		switch job := &run.Status.Jobs[i]; {
		case job.Phase.Finished():
			ended++
		case job.Phase == v1alpha1.JobRunning && job.Reason == "":
			running = append(running, job.Name)
		case job.Phase == v1alpha1.JobRunning:
			stuck = append(stuck, job.Name+": "+job.Reason)
		}
	}
	why := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition)
	if why != nil && why.Reason != v1alpha1.ReasonRunning {
		return message
	}
	text := fmt.Sprintf("%d of %d jobs ended", ended, len(run.Status.Jobs))
	if len(running) > 0 {
		text += "; running: " + strings.Join(running, ", ")
	}
	if len(stuck) > 0 {
		text += "; waiting: " + strings.Join(stuck, ", ")
	}
	return text
}

// Address is that of the Run's page. What is put into it stays what it is.
func Address(page, trigger string, run *v1alpha1.Run) string {
	var pairs []string
	for name, value := range map[string]string{
		"namespace": run.Namespace, "trigger": trigger, "pipeline": run.Spec.Pipeline, "run": run.Name, "uid": string(run.UID), "sha": SHA(run),
	} {
		pairs = append(pairs, "{"+name+"}", url.PathEscape(value))
	}
	return strings.NewReplacer(pairs...).Replace(page)
}

// SHA is the commit that the Run is about.
func SHA(run *v1alpha1.Run) string {
	if run.Spec.Origin == nil {
		return ""
	}
	return run.Spec.Origin.SHA
}
