package plan

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// soon is another look as soon as may be.
const soon = time.Millisecond

// decideServices returns the services' statuses and adds what to do about them,
// but for what the Run's end asks for. It reports whether every service is ready,
// so that jobs may start.
func (f *Facts) decideServices(services []service, h *halt, d *Decision) (list []v1alpha1.ServiceStatus, serving bool) {
	serving = true
	for _, s := range services {
		status := f.decideService(s, h, d)
		serving = serving && status.Phase == v1alpha1.ServiceReady
		list = append(list, status)
	}
	return list, serving
}

func (f *Facts) decideService(s service, h *halt, d *Decision) v1alpha1.ServiceStatus {
	status := s.recorded
	if status.Phase.Finished() {
		return status
	}
	if s.job != nil {
		status.Job = s.job.Name
	}
	switch {
	case s.failure.Reason != "":
		status = waiting{reason: s.failure.Reason, message: s.failure.Message}.ofService(status)
		status.Phase = v1alpha1.ServiceFailed
		if h.reason != v1alpha1.ReasonServiceFailed {
			// The Run was ending by then.
			status.Phase = v1alpha1.ServiceStopped
		}
		return status
	case s.job == nil:
		return f.serve(status, h, d)
	default:
		return f.observeService(s.part, status, d)
	}
}

// serve decides about a service that has no Job.
func (f *Facts) serve(s v1alpha1.ServiceStatus, h *halt, d *Decision) v1alpha1.ServiceStatus {
	refusal, deferred := f.Deferred[s.Name]
	switch {
	case s.Job != "" || h != nil || f.queued() || f.mainEnded():
		// Created and not seen: the caller has yet to ask the API server. Or never to
		// be, or not yet.
		return s
	case deferred:
		w := f.uncreated(waitOfService(s), refusal)
		d.requeue(min(f.retryCreate(w, refusal), max(f.pendingLeft(w.since.Time), soon)))
		return w.ofService(s)
	default:
		d.Serve = append(d.Serve, s.Name)
		return f.tryAgain(waitOfService(s)).ofService(s)
	}
}

// observeService returns the status of a service whose Job has not failed. One
// that has been ready is needed for what it holds: whether it is ready again
// now, its jobs see for themselves.
func (f *Facts) observeService(p part, s v1alpha1.ServiceStatus, d *Decision) v1alpha1.ServiceStatus {
	switch {
	case evidence.Finished(p.job):
		d.requeue(evidence.PodNews)
	case s.Phase == v1alpha1.ServiceReady:
	case evidence.Ready(p.pods) && !evidence.Suspended(p.job):
		s = waiting{}.ofService(s)
		s.Phase = v1alpha1.ServiceReady
	default:
		w, since := f.explainWait(p, waitOfService(s), d)
		if since = evidence.UnreadySince(p.pods, since); since != nil {
			d.requeue(max(f.pendingLeft(*since), soon))
		}
		s = w.ofService(s)
	}
	return s
}
