package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of jobs that have no Job.
const (
	// ReasonAwaitingNeeds: jobs that this one needs have not all succeeded yet.
	ReasonAwaitingNeeds = "AwaitingNeeds"
	// ReasonNeedsFailed: a job that this one needs didn't succeed.
	ReasonNeedsFailed = "NeedsFailed"
	// ReasonJobDeleted: the Job was deleted before it had ended.
	ReasonJobDeleted = "JobDeleted"
	// ReasonQuotaExceeded: a ResourceQuota of the namespace has no room now.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonRejected: the API server doesn't accept the Job.
	ReasonRejected = "Rejected"
	// ReasonNameConflict: an object that isn't the Run's has the Job's name.
	ReasonNameConflict = "NameConflict"
)

// retryCreate is how long a Job that there is no room for waits. Nothing tells
// when there is.
const retryCreate = 15 * time.Second

// decideMissing decides about a job that has no Job: it is to be created, has to
// wait, or never will be.
func (f *Facts) decideMissing(spec *v1alpha1.Job, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if f.Missing[s.Name] {
		return f.end(s, v1alpha1.JobFailed, ReasonJobDeleted, "its Job was deleted before it had ended")
	}
	if s.Phase != v1alpha1.JobWaiting {
		// Recorded as created, and not seen: the caller has yet to ask the API server.
		return s
	}
	if h := f.halt(); h != nil {
		return h.endJob(f, s, beforeStart)
	}
	if refusal, refused := f.Refused[s.Name]; refused {
		return f.end(s, v1alpha1.JobFailed, refusal.Reason, refusal.Message)
	}
	waits, failed := needs(spec, done)
	switch {
	case failed != "":
		return f.end(s, v1alpha1.JobSkipped, ReasonNeedsFailed, failed)
	case waits:
		s.Reason, s.Message = ReasonAwaitingNeeds, "needs "+strings.Join(spec.Needs, ", ")
		return s
	}
	if refusal, deferred := f.Deferred[s.Name]; deferred {
		d.requeue(retryCreate)
		return explain(s, refusal.Reason, refusal.Message)
	}
	d.Create = append(d.Create, s.Name)
	s.Reason, s.Message = "", ""
	return s
}

// needs reports whether the job has to wait, and if it never can start, why.
func needs(spec *v1alpha1.Job, done map[string]*v1alpha1.JobStatus) (waits bool, failed string) {
	for _, name := range spec.Needs {
		need, known := done[name]
		switch {
		case !known:
			// Validation refuses such a Pipeline. Never starting is the safe reading.
			return false, fmt.Sprintf("needs %s, which is no earlier job", name)
		case need.Phase == v1alpha1.JobSucceeded:
		case need.Phase.Finished():
			return false, fmt.Sprintf("needs %s, which %s", name, outcome(need.Phase))
		default:
			waits = true
		}
	}
	return waits, ""
}

func outcome(phase v1alpha1.JobPhase) string {
	switch phase {
	case v1alpha1.JobFailed:
		return "failed"
	case v1alpha1.JobCancelled:
		return "was cancelled"
	default:
		return "was skipped"
	}
}

// end records how the job ended.
func (f *Facts) end(s v1alpha1.JobStatus, phase v1alpha1.JobPhase, reason, message string) v1alpha1.JobStatus {
	s.Phase, s.Reason, s.Message = phase, reason, message
	if s.CompletionTime == nil {
		s.CompletionTime = f.now()
	}
	return s
}

// explain gives a reason to a job that goes on waiting. While the reason is the
// same the first message stays: such texts hold counters, and each change would
// be a write.
func explain(s v1alpha1.JobStatus, reason, message string) v1alpha1.JobStatus {
	if s.Reason != reason {
		s.Reason, s.Message = reason, message
	}
	return s
}

// requeue asks for another look after this time at the latest.
func (d *Decision) requeue(after time.Duration) {
	if d.RequeueAfter == 0 || after < d.RequeueAfter {
		d.RequeueAfter = after
	}
}

// Ancestors returns the jobs that the job needs, directly or by way of others.
// The jobs stand in a topological order.
func Ancestors(jobs []v1alpha1.Job, name string) map[string]bool {
	i := slices.IndexFunc(jobs, func(j v1alpha1.Job) bool { return j.Name == name })
	if i < 0 {
		return nil
	}
	found := map[string]bool{}
	for _, need := range jobs[i].Needs {
		found[need] = true
	}
	for i--; i >= 0; i-- {
		if found[jobs[i].Name] {
			for _, need := range jobs[i].Needs {
				found[need] = true
			}
		}
	}
	return found
}
