package plan

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// decideServices returns the services' statuses and adds what to do about them,
// but for what the Run's end asks for.
func (f *Facts) decideServices(d *Decision) []v1alpha1.ServiceStatus {
	if f.Run.Status.Phase.Finished() {
		f.stopServices(d)
		return nil
	}
	d.serving = true
	var list []v1alpha1.ServiceStatus
	h := f.halt()
	for i := range f.Spec.Services {
		s := f.decideService(f.Spec.Services[i].Name, h, d)
		d.serving = d.serving && s.Phase == v1alpha1.ServiceReady
		list = append(list, s)
	}
	return list
}

func (f *Facts) decideService(name string, h *halt, d *Decision) v1alpha1.ServiceStatus {
	s := f.recordedService(name)
	if s.Phase.Finished() {
		return s
	}
	job := f.Jobs[name]
	if job != nil {
		s.Job = job.Name
	}
	if reason, message := f.newFailure(s); reason != "" {
		s.Phase, s.Reason, s.Message, s.WaitingSince = v1alpha1.ServiceFailed, reason, message, nil
		if h.reason != v1alpha1.ReasonServiceFailed {
			// The Run was ending by then.
			s.Phase = v1alpha1.ServiceStopped
		}
		return s
	}
	if job == nil {
		return f.serve(s, h, d)
	}
	return f.observeService(s, job, d)
}

// serve decides about a service that has no Job.
func (f *Facts) serve(s v1alpha1.ServiceStatus, h *halt, d *Decision) v1alpha1.ServiceStatus {
	refusal, deferred := f.Deferred[s.Name]
	switch {
	case s.Job != "" || h != nil || f.queued() || f.mainEnded():
		// Created and not seen: the caller has yet to ask the API server. Or never to
		// be, or not yet.
	case deferred:
		uncreated := f.uncreated(asJob(s), refusal)
		d.requeue(min(f.retryCreate(uncreated, refusal), max(f.pendingLeft(uncreated.WaitingSince.Time), atOnce)))
		s = waits(s, uncreated)
	default:
		d.Serve = append(d.Serve, s.Name)
		s = waits(s, f.tryAgain(asJob(s)))
	}
	return s
}

// observeService returns the status of a service whose Job has not failed. One
// that has been ready is needed for what it holds: whether it is ready again
// now, its jobs see for themselves.
func (f *Facts) observeService(s v1alpha1.ServiceStatus, job *batchv1.Job, d *Decision) v1alpha1.ServiceStatus {
	pods := f.pods(job)
	switch {
	case evidence.Finished(job):
		d.requeue(evidence.PodNews)
	case s.Phase == v1alpha1.ServiceReady:
	case evidence.Ready(pods) && !evidence.Suspended(job):
		s.Phase, s.Reason, s.Message, s.WaitingSince = v1alpha1.ServiceReady, "", "", nil
	default:
		explained, since := f.explainWait(asJob(s), job, pods, d)
		if since = evidence.UnreadySince(pods, since); since != nil {
			d.requeue(max(f.pendingLeft(*since), atOnce))
		}
		s = waits(s, explained)
	}
	return s
}

// waits takes over what was found to keep the service from starting.
func waits(s v1alpha1.ServiceStatus, explained v1alpha1.JobStatus) v1alpha1.ServiceStatus {
	s.Reason, s.Message, s.WaitingSince = explained.Reason, explained.Message, explained.WaitingSince
	return s
}

// startFailure says why a service has failed that could not start for too long.
func (f *Facts) startFailure(s v1alpha1.ServiceStatus, job *batchv1.Job) (reason, message string) {
	if s.Phase == v1alpha1.ServiceReady {
		return "", ""
	}
	explained, since := asJob(s), (*time.Time)(nil)
	refusal, deferred := f.Deferred[s.Name]
	switch {
	case job != nil:
		pods := f.pods(job)
		explained, since = f.explainWait(explained, job, pods, &Decision{})
		if since == nil && explained.Reason == "" {
			explained.Reason, explained.Message = v1alpha1.ReasonNotReady, "its pod runs, and doesn't become ready"
		}
		since = evidence.UnreadySince(pods, since)
	case deferred && awaitsCreation(s.Reason) && s.WaitingSince != nil:
		explained, since = f.uncreated(explained, refusal), &s.WaitingSince.Time
	}
	if since == nil || f.pendingLeft(*since) > 0 {
		return "", ""
	}
	return f.pendingTooLong(explained)
}

// serviceFailed returns the halt of a Run that is known to have lost a service,
// or nil.
func (f *Facts) serviceFailed() *halt { return f.serviceFailure(recordedFailure) }

// serviceFailing returns the halt of a Run that has just lost a service, or nil.
func (f *Facts) serviceFailing() *halt {
	h := f.serviceFailure(f.newFailure)
	if h != nil {
		h.passing = true
	}
	return h
}

// serviceFailure returns the halt of a Run one of whose services failed.
func (f *Facts) serviceFailure(why func(v1alpha1.ServiceStatus) (reason, message string)) *halt {
	for i := range f.Spec.Services {
		s := f.recordedService(f.Spec.Services[i].Name)
		if reason, message := why(s); reason != "" {
			return &halt{
				phase: v1alpha1.RunFailed, stopping: v1alpha1.ReasonServiceFailed, reason: v1alpha1.ReasonServiceFailed, verb: "stopped",
				why: fmt.Sprintf("service %s failed: %s: %s", s.Name, reason, gist(message)),
			}
		}
	}
	return nil
}

func recordedFailure(s v1alpha1.ServiceStatus) (reason, message string) {
	if s.Phase != v1alpha1.ServiceFailed {
		return "", ""
	}
	return s.Reason, s.Message
}

// newFailure says why a service that was not known to have ended has. When the
// jobs are known to have ended, it may have been stopped, and finally jobs see for
// themselves.
func (f *Facts) newFailure(s v1alpha1.ServiceStatus) (reason, message string) {
	job := f.Jobs[s.Name]
	switch {
	case s.Phase.Finished(), f.mainEnded():
		return "", ""
	case f.Missing[s.Name]:
		return v1alpha1.ReasonJobDeleted, "its Job was deleted"
	case job == nil:
		if refusal, refused := f.Refused[s.Name]; refused {
			return refusal.Reason, evidence.Shorten(refusal.Message)
		}
		return f.startFailure(s, nil)
	}
	pods := f.pods(job)
	if s.Phase == v1alpha1.ServiceReady && evidence.Suspended(job) {
		return v1alpha1.ReasonSuspended, "its Job was suspended, which ends its pod"
	}
	if reason, message := evidence.ServiceEnd(job, pods, f.Now); reason != "" {
		return reason, message
	}
	return f.startFailure(s, job)
}

// jobsEnded reports whether all jobs are known to have ended.
func (f *Facts) jobsEnded() bool {
	recorded := f.Run.Status.Jobs
	return len(recorded) == len(f.Spec.Jobs) &&
		!slices.ContainsFunc(recorded, func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() })
}

// retire ends the services of a Run whose jobs have ended, and reports whether
// the Run has, too: once its Services are gone. The pods take their time to
// stop; what is left of them is settled when the Run has finished. One that has
// succeeded doesn't need them any more, however they have ended.
func (f *Facts) retire(phase v1alpha1.RunPhase, services []v1alpha1.ServiceStatus, d *Decision) bool {
	d.Serve = nil
	if f.placeless() {
		for i := range services {
			services[i] = ended(services[i])
		}
		return true
	}
	if phase != v1alpha1.RunSucceeded && f.startTime() != nil && f.unrecorded(services) {
		d.requeue(atOnce)
		return false
	}
	for i := range services {
		name := services[i].Name
		if !f.Retired[name] {
			d.Retire = append(d.Retire, name)
		}
		f.stopService(name, false, d)
	}
	if len(d.Retire) > 0 {
		d.requeue(retryStop)
		return false
	}
	for i := range services {
		s := &services[i]
		needless := phase == v1alpha1.RunSucceeded && !f.recordedService(s.Name).Phase.Finished()
		if needless || !s.Phase.Finished() {
			*s = ended(*s)
		}
	}
	return true
}

// unrecorded reports whether a job has ended or a service has failed and the
// Run's status doesn't say so yet. To stop the service may take away what shows
// that it has failed, and would be taken for the failure that has ended the Run.
func (f *Facts) unrecorded(services []v1alpha1.ServiceStatus) bool {
	return slices.ContainsFunc(services, func(s v1alpha1.ServiceStatus) bool {
		return s.Phase == v1alpha1.ServiceFailed && f.recordedService(s.Name).Phase != v1alpha1.ServiceFailed
	}) || len(services) > 0 && !f.jobsEnded()
}

// ended returns the status of a service that was stopped with its Run.
func ended(s v1alpha1.ServiceStatus) v1alpha1.ServiceStatus {
	s = waits(s, v1alpha1.JobStatus{})
	s.Phase = v1alpha1.ServiceStopped
	return s
}

// recordedService returns what the Run's status says about the service.
func (f *Facts) recordedService(name string) v1alpha1.ServiceStatus {
	for i := range f.Run.Status.Services {
		if s := f.Run.Status.Services[i]; s.Name == name {
			return s
		}
	}
	return v1alpha1.ServiceStatus{Name: name, Phase: v1alpha1.ServiceStarting}
}

// asJob lets what explains why a job's pod doesn't start explain it of a
// service's.
func asJob(s v1alpha1.ServiceStatus) v1alpha1.JobStatus {
	phase := v1alpha1.JobRunning
	if s.Phase.Finished() {
		phase = v1alpha1.JobFailed
	}
	return v1alpha1.JobStatus{Name: s.Name, Phase: phase, Reason: s.Reason, Message: s.Message, WaitingSince: s.WaitingSince.DeepCopy(), Job: s.Job}
}

// starting appends which services jobs wait for, and what keeps the first of
// them that has trouble.
func starting(services []v1alpha1.ServiceStatus, message string) string {
	var waits []string
	trouble := ""
	for i := range services {
		s := &services[i]
		if s.Phase != v1alpha1.ServiceStarting {
			continue
		}
		waits = append(waits, s.Name)
		if trouble == "" && s.Reason != "" {
			trouble = fmt.Sprintf("; %s: %s: %s", s.Name, s.Reason, gist(s.Message))
		}
	}
	if len(waits) == 0 {
		return message
	}
	return message + "; starting services: " + names(waits) + trouble
}
