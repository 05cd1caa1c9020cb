package plan

import (
	"cmp"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Where a job stands that a halt ends, as its message goes on.
const (
	beforeStart    = " before it started"
	whileRan       = " while it ran"
	whileSuspended = " while its Job was suspended"
)

// endJob ends a job because of the halt. Where it stood is part of the message,
// and so is what kept it from going on by then.
func (h *halt) endJob(f *Facts, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	text := h.say(h.verb + f.stood(s))
	if trouble := trouble(s); trouble != "" {
		mark := ": "
		if h.why != "" {
			mark = "; "
		}
		text += mark + trouble
	}
	return f.end(s, cmp.Or(h.job, v1alpha1.JobCancelled), h.reason, evidence.Shorten(text))
}

// stood says where the job stands, blank if nothing shows it.
func (f *Facts) stood(s v1alpha1.JobStatus) string {
	job := f.Jobs[s.Name]
	if job == nil {
		if s.Phase == v1alpha1.JobWaiting {
			return beforeStart
		}
		return ""
	}
	pods := f.pods(job)
	switch {
	case evidence.Suspended(job):
		return whileSuspended
	case slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return evidence.Begun(&pod) }):
		return whileRan
	case len(pods) > 0, job.Status.StartTime == nil, s.Reason == v1alpha1.ReasonFailedCreate, s.Reason == v1alpha1.ReasonAwaitingPod:
		return beforeStart
	default:
		// It may have had a pod that is gone.
		return ""
	}
}

// trouble is what the status says that keeps the job from going on, apart from
// waiting for its turn.
func trouble(s v1alpha1.JobStatus) string {
	switch s.Reason {
	case "", v1alpha1.ReasonQueued, v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingApproval, v1alpha1.ReasonAwaitingTurn, v1alpha1.ReasonDisrupted, v1alpha1.ReasonSuspended:
		return ""
	default:
		return s.Message
	}
}

// interrupting returns the status of a job that is being stopped. The pod won't
// show any more what it showed before, so what was known stays.
func (f *Facts) interrupting(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod) v1alpha1.JobStatus {
	if c := evidence.FailedBeside(pods); c != nil {
		reason, message := evidence.ContainerFailure(c)
		return f.explain(s, reason, evidence.Shorten(message))
	}
	explained, _ := f.explainWait(s, job, pods, &Decision{})
	if explained.Reason == "" || explained.Reason == v1alpha1.ReasonAwaitingPod {
		return s
	}
	return explained
}
