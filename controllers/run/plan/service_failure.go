package plan

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// service is a service of the Run.
type service struct {
	part
	// recorded is what the Run's status says about it.
	recorded v1alpha1.ServiceStatus
	// failure says why it has failed, if it was not known to have ended.
	failure evidence.Why
}

func (f *Facts) services() []service {
	list := make([]service, 0, len(f.Spec.Services))
	for i := range f.Spec.Services {
		name := f.Spec.Services[i].Name
		s := service{part: f.part(name), recorded: f.recordedService(name)}
		s.failure.Reason, s.failure.Message = f.newFailure(s)
		list = append(list, s)
	}
	return list
}

// newFailure says why a service that was not known to have ended has. When the
// jobs are known to have ended, it may have been stopped, and finally jobs see for
// themselves.
func (f *Facts) newFailure(s service) (reason, message string) {
	switch {
	case f.Run.Status.Phase.Finished(), s.recorded.Phase.Finished(), f.mainEnded():
		return "", ""
	case f.Missing[s.name]:
		return v1alpha1.ReasonJobDeleted, "its Job was deleted"
	case s.job == nil:
		if refusal, refused := f.Refused[s.name]; refused {
			return refusal.Reason, evidence.Shorten(refusal.Message)
		}
		return f.neverReady(s)
	case s.recorded.Phase == v1alpha1.ServiceReady && evidence.Suspended(s.job):
		return v1alpha1.ReasonSuspended, "its Job was suspended, which ends its pod"
	}
	if reason, message := evidence.ServiceEnd(s.job, s.pods, f.Now); reason != "" {
		return reason, message
	}
	return f.neverReady(s)
}

// neverReady says why a service has failed that was not ready for too long.
func (f *Facts) neverReady(s service) (reason, message string) {
	if s.recorded.Phase == v1alpha1.ServiceReady {
		return "", ""
	}
	w, since := waitOfService(s.recorded), (*time.Time)(nil)
	refusal, deferred := f.Deferred[s.name]
	switch {
	case s.job != nil:
		w, since = f.explainWait(s.part, w, &Decision{})
		if since == nil && w.reason == "" {
			w.reason, w.message = v1alpha1.ReasonNotReady, "its pod runs, and doesn't become ready"
		}
		since = evidence.UnreadySince(s.pods, since)
	case deferred && awaitsCreation(w.reason) && w.since != nil:
		since = &w.since.Time
		w = f.uncreated(w, refusal)
	}
	if since == nil || f.pendingLeft(*since) > 0 {
		return "", ""
	}
	return f.pendingTooLong(w)
}
