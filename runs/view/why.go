package view

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/v1alpha1"
)

// maxNamed bounds how many jobs a sentence names.
const maxNamed = 8

// sentence joins a reason and its message. Reasons of what merely waits or was never
// started are left out: their messages say all.
func sentence(reason, message string) string {
	message = line(message)
	switch reason {
	case v1alpha1.ReasonQueued, v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingTurn,
		v1alpha1.ReasonNeedsFailed, v1alpha1.ReasonNeedsSkipped, v1alpha1.ReasonConditionFalse, v1alpha1.ReasonApprovalRefused:
		if message != "" {
			return message
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(line(reason)+": "+message, ": "), ": ")
}

func whyJob(j *Job) string {
	switch {
	case j.ReusedFrom != "":
		return "ran in " + j.ReusedFrom
	case j.State == Asking:
		return strings.TrimSuffix("waits for approval: "+j.Approval.Question, ": ")
	case j.Reason == v1alpha1.ReasonAwaitingNeeds && len(j.Missing) > 0:
		return "needs " + names(j.Missing)
	}
	return sentence(j.Reason, j.Message)
}

// why is what somebody wants to know first of the Run.
func why(run *v1alpha1.Run, jobs []Job) string {
	reason, message := "", ""
	if c := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		reason, message = c.Reason, line(c.Message)
	}
	switch reason {
	case v1alpha1.ReasonSucceeded:
		return tolerated(jobs)
	case "", v1alpha1.ReasonJobFailed, v1alpha1.ReasonRunning, v1alpha1.ReasonQueued:
	default:
		return message
	}
	for _, told := range []func([]Job) string{failures, questions, stuck} {
		if text := told(jobs); text != "" {
			return text
		}
	}
	if reason == v1alpha1.ReasonRunning {
		return ""
	}
	return message
}

// failures tells of the first job that has failed why, and names the others.
func failures(jobs []Job) string {
	text := ""
	var others []string
	for i := range jobs {
		switch {
		case jobs[i].State != Failed:
		case text == "":
			text = strings.TrimSuffix(fmt.Sprintf("%s failed: %s", jobs[i].Name, jobs[i].Why), ": ")
		default:
			others = append(others, jobs[i].Name)
		}
	}
	if len(others) > 0 {
		text += "; also failed: " + names(others)
	}
	return text
}

// questions repeats what the first job asks that waits for an answer.
func questions(jobs []Job) string {
	for i := range jobs {
		if jobs[i].State == Asking {
			return jobs[i].Name + " " + jobs[i].Why
		}
	}
	return ""
}

// stuck says of the first job that can't start what keeps it.
func stuck(jobs []Job) string {
	ordinary := []string{"", v1alpha1.ReasonQueued, v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingTurn}
	for i := range jobs {
		if !jobs[i].State.Ended() && !slices.Contains(ordinary, jobs[i].Reason) {
			return jobs[i].Name + ": " + jobs[i].Why
		}
	}
	return ""
}

// tolerated names the jobs that have failed in a Run that has succeeded.
func tolerated(jobs []Job) string {
	var all []string
	for i := range jobs {
		if jobs[i].State == Tolerated {
			all = append(all, jobs[i].Name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "failed, which is allowed: " + names(all)
}

func names(jobs []string) string {
	if len(jobs) <= maxNamed {
		return strings.Join(jobs, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(jobs[:maxNamed], ", "), len(jobs)-maxNamed)
}

// commands are those that would help.
func commands(run *v1alpha1.Run, jobs []Job) []string {
	var approve, logs []string
	for i := range jobs {
		switch j := &jobs[i]; {
		case j.State == Asking:
			approve = append(approve, fmt.Sprintf("kayci approve %s %s", Address(run), j.Name))
		case j.State == Failed && j.Job != "":
			logs = append(logs, fmt.Sprintf("kayci logs %s %s", Address(run), j.Name))
		}
	}
	if !run.Status.Phase.Finished() {
		return append(approve, logs...)
	}
	if retriable(run) {
		logs = append(logs, "kayci retry "+Address(run))
	}
	return logs
}

// retriable reports whether to run it again may end in another way.
func retriable(run *v1alpha1.Run) bool {
	if run.Status.Phase == v1alpha1.RunSucceeded {
		return false
	}
	c := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition)
	if c == nil {
		return true
	}
	return !slices.Contains([]string{
		v1alpha1.ReasonReplaced, v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonInvalidParameters, v1alpha1.ReasonInvalidRetry,
		v1alpha1.ReasonInvalidConcurrencyKey, v1alpha1.ReasonPipelineNotFound, v1alpha1.ReasonRevisionNotFound,
	}, c.Reason)
}
