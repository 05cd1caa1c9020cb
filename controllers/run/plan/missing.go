package plan

import (
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// decideMissing decides about a job that has no Job: it is to be created, has to
// wait, or never will be.
func (f *Facts) decideMissing(spec *v1alpha1.Job, p part, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if f.Missing[s.Name] {
		return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonJobDeleted, "its Job was deleted before it had ended")
	}
	if s.Phase != v1alpha1.JobWaiting {
		// Recorded as created, and not seen: the caller has yet to ask the API server.
		return s
	}
	if p.halt != nil {
		return p.halt.finish(f, p, s)
	}
	if f.queued() && !f.Place.Released {
		d.requeue(lookInQueue)
		s.Reason, s.Message = v1alpha1.ReasonQueued, awaitsPlace
		return s
	}
	if refusal, refused := f.Refused[s.Name]; refused {
		return f.finish(s, v1alpha1.JobFailed, refusal.Reason, evidence.Shorten(refusal.Message))
	}
	s, may := f.admit(spec, s, done, d)
	if !may {
		return s
	}
	if other := f.unrecordedFailure(spec, done); other != "" {
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
	return f.tryAgain(waitOf(s)).of(s)
}
