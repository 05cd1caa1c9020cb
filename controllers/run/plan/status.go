package plan

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/order"
)

// runStatus derives the Run's status from its parts'.
func (r *result) runStatus(services []service, d *Decision) v1alpha1.RunStatus {
	s := r.recordedStatus()
	s.Number = r.Number
	s.Jobs, s.Services = r.jobs, r.services
	s.StartTime = r.startTime()
	if s.FinallyStartTime == nil && r.awaitsFinally() {
		s.FinallyStartTime = r.timestamp()
	}
	if s.FinallyStartTime != nil {
		d.Outcome = r.outcome()
	}
	phase, reason, message := r.summarize(s.StartTime != nil)
	switch {
	case !phase.Finished() && r.halt == nil && !r.queued():
		message = starting(r.services, message)
	case phase.Finished() && !r.endServices(phase, services, r.services, d):
		phase, reason = v1alpha1.RunRunning, v1alpha1.ReasonStoppingServices
		if s.StartTime == nil {
			phase = v1alpha1.RunQueued
		}
		if r.halt != nil {
			reason = r.halt.stopping
		}
	}
	s.Phase = phase
	if phase.Finished() {
		r.finishRun(&s)
	}
	s.Concurrency = r.concurrency(phase.Finished())
	if r.releases(d) {
		s.Concurrency.Admitted, s.Concurrency.Released = false, true
	}
	r.setCondition(&s, reason, message+r.ignored())
	return s
}

// faulty returns the status of a Run that can't go on at all, whatever its jobs:
// there is nothing to say what they are. One that had started may have lost it.
// Its jobs have not failed by themselves, and what runs of them is to be
// stopped: they are cancelled.
func (f *Facts) faulty() v1alpha1.RunStatus {
	s := f.recordedStatus()
	message := f.Fault.Message
	h := &halt{phase: v1alpha1.RunFailed, reason: f.Fault.Reason, verb: "stopped", why: message}
	if cancelled := f.cancelled(); cancelled != nil {
		h, message = cancelled, cancelled.verb+beforeStart
		if s.StartTime != nil {
			message = cancelled.verb + whileRan
		}
	}
	s.Phase = h.phase
	f.finishRun(&s)
	s.Concurrency = f.concurrency(true)
	for i := range s.Jobs {
		if !s.Jobs[i].Phase.Finished() {
			s.Jobs[i] = h.finish(f, f.part(s.Jobs[i].Name), s.Jobs[i])
		}
	}
	for i := range s.Services {
		if !s.Services[i].Phase.Finished() {
			s.Services[i] = finishService(s.Services[i])
		}
	}
	f.setCondition(&s, h.reason, evidence.Shorten(message))
	return s
}

// delayed returns the status of a Run that can't be looked at yet.
func (f *Facts) delayed() v1alpha1.RunStatus {
	s := f.recordedStatus()
	if s.StartTime == nil {
		s.Phase = v1alpha1.RunQueued
	}
	f.setCondition(&s, f.Delay.Reason, evidence.Shorten(f.Delay.Message))
	return s
}

// recordedStatus returns the Run's, as it is recorded, for a look at what the Run
// is now.
func (f *Facts) recordedStatus() v1alpha1.RunStatus {
	s := *f.Run.Status.DeepCopy()
	s.ObservedGeneration = f.Run.Generation
	s.CreatedVersion = order.Version(f.Run)
	return s
}

// finishRun notes when the Run has ended, and what goes with its end.
func (f *Facts) finishRun(s *v1alpha1.RunStatus) {
	s.CompletionTime = f.timestamp()
	if w := f.Spec.Workspace; w != nil && s.StartTime != nil && !ptr.Deref(w.Retain, true) {
		s.Workspace = v1alpha1.WorkspaceDeleting
	}
}

func (f *Facts) setCondition(s *v1alpha1.RunStatus, reason, message string) {
	status := metav1.ConditionUnknown
	switch {
	case s.Phase == v1alpha1.RunSucceeded:
		status = metav1.ConditionTrue
	case s.Phase.Finished():
		status = metav1.ConditionFalse
	}
	meta.SetStatusCondition(&s.Conditions, metav1.Condition{
		Type: v1alpha1.SucceededCondition, Status: status, Reason: reason, Message: message,
		ObservedGeneration: f.Run.Generation, LastTransitionTime: *f.timestamp(),
	})
}
