package plan

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// halt is why a Run ends before its graph does: nothing more of it starts, and
// what runs is stopped.
type halt struct {
	// phase that the Run ends in.
	phase v1alpha1.RunPhase
	// stopping is the Run's reason while jobs are being stopped; reason is the one
	// that it ends with, and that of each job that the halt ends.
	stopping, reason string
	// verb and why make the messages: "<verb> while it ran: <why>".
	verb, why string
	// job is the phase of each job that it ends. Blank: Cancelled.
	job v1alpha1.JobPhase
	// passing: what it was read from may soon show it no more, a restarted
	// controller wouldn't know. It is recorded before anything is stopped.
	passing bool
}

func cancellation() *halt {
	return &halt{phase: v1alpha1.RunCancelled, stopping: v1alpha1.ReasonCancelling, reason: v1alpha1.ReasonCancelled, verb: "cancelled"}
}

// sayStopping says which jobs are being stopped, and why.
func (h *halt) sayStopping(jobs []string) string {
	text := "stopping " + names(jobs)
	if h.why == "" {
		return h.verb + ": " + text
	}
	return h.say(text)
}

// sayEnded says how the Run has ended, and how far it had come if it had started.
func (h *halt) sayEnded(started bool, done string) string {
	switch {
	case started:
		return h.say(h.verb) + "; " + done
	case h.why == "":
		return h.verb + beforeStart
	default:
		return h.say(h.verb)
	}
}

// say appends why, if there is more to say than the verb does.
func (h *halt) say(what string) string {
	if h.why == "" {
		return what
	}
	return what + ": " + h.why
}

// Where a job stands that a halt ends, as its message goes on.
const (
	beforeStart    = " before it started"
	whileRan       = " while it ran"
	whileSuspended = " while its Job was suspended"
)

// finish finishes a job because of the halt. Where it stood is part of the message,
// and so is what kept it from going on by then.
func (h *halt) finish(f *Facts, p part, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	text := h.say(h.verb + stood(p, s))
	if trouble := trouble(s); trouble != "" {
		mark := ": "
		if h.why != "" {
			mark = "; "
		}
		text += mark + trouble
	}
	return f.finish(s, cmp.Or(h.job, v1alpha1.JobCancelled), h.reason, evidence.Shorten(text))
}

// stood says where the job stands, blank if nothing shows it.
func stood(p part, s v1alpha1.JobStatus) string {
	switch {
	case p.job == nil && s.Phase == v1alpha1.JobWaiting:
		return beforeStart
	case p.job == nil:
		return ""
	case evidence.Suspended(p.job):
		return whileSuspended
	case slices.ContainsFunc(p.pods, func(pod corev1.Pod) bool { return evidence.Begun(&pod) }):
		return whileRan
	case len(p.pods) > 0, p.job.Status.StartTime == nil, s.Reason == v1alpha1.ReasonFailedCreate, s.Reason == v1alpha1.ReasonAwaitingPod:
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
