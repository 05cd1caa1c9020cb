package plan

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/v1alpha1"
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

// halt returns why the Run is to end now, or nil. Once it has returned a halt it
// always does: jobs that were ended for it stay so. Of several reasons the one
// that was recorded first stays. When the finally jobs may start, how the Run ends
// is decided, and no reason comes any more.
func (f *Facts) halt() *halt {
	var first *halt
	recorded := f.reason()
	for _, of := range []func() *halt{f.serviceFailed, f.cancelled, f.timedOut, f.displaced, f.failedFast, f.serviceFailing} {
		h := of()
		if h != nil && recorded == h.stopping {
			return h
		}
		first = cmp.Or(first, h)
	}
	if f.Run.Status.FinallyStartTime != nil {
		return nil
	}
	return first
}

// reason returns the one that is recorded of the Run, blank for none.
func (f *Facts) reason() string {
	if c := meta.FindStatusCondition(f.Run.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		return c.Reason
	}
	return ""
}

func (f *Facts) cancelled() *halt {
	if !f.Run.Spec.Cancelled {
		return nil
	}
	return cancelled()
}

func cancelled() *halt {
	return &halt{phase: v1alpha1.RunCancelled, stopping: v1alpha1.ReasonCancelling, reason: v1alpha1.ReasonCancelled, verb: "cancelled"}
}

// stop says which jobs are being stopped, and why.
func (h *halt) stop(jobs []string) string {
	text := "stopping " + names(jobs)
	if h.why == "" {
		return h.verb + ": " + text
	}
	return h.say(text)
}

// ended says how the Run has ended, and how far it had come if it had started.
func (h *halt) ended(started bool, done string) string {
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
