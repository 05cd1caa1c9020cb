package plan

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// decideMissing decides about a job that has no Job: it is to be created, has to
// wait, or never will be.
func (f *Facts) decideMissing(spec *v1alpha1.Job, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if f.Missing[s.Name] {
		return f.end(s, v1alpha1.JobFailed, v1alpha1.ReasonJobDeleted, "its Job was deleted before it had ended")
	}
	if s.Phase != v1alpha1.JobWaiting {
		// Recorded as created, and not seen: the caller has yet to ask the API server.
		return s
	}
	if h := f.haltOf(s.Name); h != nil {
		return h.endJob(f, s)
	}
	if f.queued() && !f.Place.Released {
		d.requeue(lookInQueue)
		s.Reason, s.Message = v1alpha1.ReasonQueued, awaitsPlace
		return s
	}
	if refusal, refused := f.Refused[s.Name]; refused {
		return f.end(s, v1alpha1.JobFailed, refusal.Reason, evidence.Shorten(refusal.Message))
	}
	s, may := f.admit(spec, s, done, d)
	if !may {
		return s
	}
	if other := f.unrecordedFailure(spec, done); other != "" {
		d.requeue(atOnce)
		return await(s, "comes after "+other+", whose end isn't recorded yet")
	}
	if s, may = f.approve(spec, s, d); !may {
		return s
	}
	if !d.serving && !spec.Finally {
		s.Reason, s.Message = v1alpha1.ReasonAwaitingServices, "the Run's services are not ready yet"
		return s
	}
	if refusal, deferred := f.Deferred[s.Name]; deferred {
		return f.postpone(s, refusal, d)
	}
	d.Create = append(d.Create, s.Name)
	return f.tryAgain(s)
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
	s.Phase, s.Reason, s.Message, s.WaitingSince, s.StoppingSince = phase, reason, message, nil, nil
	if s.CompletionTime == nil {
		s.CompletionTime = f.now()
	}
	return s
}

// explain gives a reason to a job that goes on waiting. While the reason is the
// same the first message stays: such texts hold counters, and each change would
// be a write.
func (f *Facts) explain(s v1alpha1.JobStatus, reason, message string) v1alpha1.JobStatus {
	if s.Reason != reason {
		s.Reason, s.Message, s.WaitingSince = reason, message, nil
	}
	if reason != "" && s.WaitingSince == nil {
		s.WaitingSince = f.now()
	}
	return s
}

// requeue asks for another look after this time at the latest. 0: for none.
func (d *Decision) requeue(after time.Duration) {
	if after != 0 && (d.RequeueAfter == 0 || after < d.RequeueAfter) {
		d.RequeueAfter = after
	}
}
