package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/order"
)

// maxNamed bounds how many jobs a message names.
const maxNamed = 8

// runStatus derives the Run's status from its jobs'.
func (f *Facts) runStatus(jobs []v1alpha1.JobStatus, services []v1alpha1.ServiceStatus, d *Decision) v1alpha1.RunStatus {
	s := *f.Run.Status.DeepCopy()
	s.ObservedGeneration = f.Run.Generation
	s.CreatedVersion = order.Version(f.Run)
	s.Number = f.Number
	s.Jobs, s.Services = jobs, services
	s.StartTime = f.startTime()
	if s.FinallyStartTime == nil && f.awaitsFinally(jobs) {
		s.FinallyStartTime = f.now()
	}
	if s.FinallyStartTime != nil {
		d.Outcome = f.outcome(jobs)
	}
	phase, reason, message := f.summarize(jobs, s.StartTime != nil)
	switch h := f.halt(); {
	case !phase.Finished() && h == nil && !f.queued():
		message = starting(services, message)
	case phase.Finished() && !f.retire(phase, services, d):
		phase, reason = v1alpha1.RunRunning, v1alpha1.ReasonStoppingServices
		if s.StartTime == nil {
			phase = v1alpha1.RunQueued
		}
		if h != nil {
			reason = h.stopping
		}
	}
	s.Phase = phase
	if phase.Finished() {
		f.finish(&s)
		if s.Workspace != "" {
			d.requeue(atOnce)
		}
	}
	s.Concurrency = f.concurrency(phase.Finished())
	if f.releases(jobs, d) {
		s.Concurrency.Admitted, s.Concurrency.Released = false, true
	}
	f.setCondition(&s, reason, message+f.ignored())
	return s
}

// Fail returns the status of a Run that can't go on at all, whatever its jobs:
// there is nothing to say what they are. One that had started may have lost it.
// Its jobs have not failed by themselves, and what runs of them is to be
// stopped: they are cancelled.
func (f *Facts) Fail(reason, message string) v1alpha1.RunStatus {
	s := *f.Run.Status.DeepCopy()
	s.ObservedGeneration = f.Run.Generation
	s.CreatedVersion = order.Version(f.Run)
	h := &halt{phase: v1alpha1.RunFailed, reason: reason, verb: "stopped", why: message}
	if cancelled := f.cancelled(); cancelled != nil {
		h, message = cancelled, cancelled.verb+beforeStart
		if s.StartTime != nil {
			message = cancelled.verb + whileRan
		}
	}
	s.Phase = h.phase
	f.finish(&s)
	s.Concurrency = f.concurrency(true)
	for i := range s.Jobs {
		if !s.Jobs[i].Phase.Finished() {
			s.Jobs[i] = h.endJob(f, s.Jobs[i])
		}
	}
	for i := range s.Services {
		if !s.Services[i].Phase.Finished() {
			s.Services[i] = ended(s.Services[i])
		}
	}
	f.setCondition(&s, h.reason, evidence.Shorten(message))
	return s
}

// finish notes when the Run has ended, and what goes with its end.
func (f *Facts) finish(s *v1alpha1.RunStatus) {
	s.CompletionTime = f.now()
	if w := f.Spec.Workspace; w != nil && s.StartTime != nil && !ptr.Deref(w.Retain, true) {
		s.Workspace = v1alpha1.WorkspaceDeleting
	}
}

// Await returns the status of a Run that can't be looked at yet.
func (f *Facts) Await(reason, message string) v1alpha1.RunStatus {
	s := *f.Run.Status.DeepCopy()
	s.ObservedGeneration = f.Run.Generation
	s.CreatedVersion = order.Version(f.Run)
	s.Phase = v1alpha1.RunQueued
	f.setCondition(&s, reason, evidence.Shorten(message))
	return s
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
		ObservedGeneration: f.Run.Generation, LastTransitionTime: *f.now(),
	})
}

// summarize derives the Run's phase, and why in a sentence.
func (f *Facts) summarize(jobs []v1alpha1.JobStatus, started bool) (phase v1alpha1.RunPhase, reason, message string) {
	by, allowed := group(jobs)
	done := fmt.Sprintf("%d of %d jobs succeeded", len(by[v1alpha1.JobSucceeded]), len(jobs)) + f.reused(jobs) + list(allowedFailure, allowed)
	if len(by[v1alpha1.JobWaiting])+len(by[v1alpha1.JobRunning]) > 0 {
		return f.summarizeActive(jobs, by, started, done)
	}
	switch h := f.endedBy(jobs); {
	case h != nil:
		return h.phase, h.reason, h.ended(started, done) + list("failed", f.failedFinally(jobs))
	case len(by[v1alpha1.JobFailed]) > 0:
		return v1alpha1.RunFailed, v1alpha1.ReasonJobFailed, failures(jobs) + "; " + done
	default:
		return v1alpha1.RunSucceeded, v1alpha1.ReasonSucceeded, done + list("skipped", by[v1alpha1.JobSkipped])
	}
}

// allowedFailure is what a message says of jobs whose failure is allowed.
const allowedFailure = "failed, which is allowed"

// group sorts the names of jobs by phase. Those whose failure is allowed are
// apart.
func group(jobs []v1alpha1.JobStatus) (by map[v1alpha1.JobPhase][]string, allowed []string) {
	by = map[v1alpha1.JobPhase][]string{}
	for i := range jobs {
		if s := &jobs[i]; s.FailureAllowed {
			allowed = append(allowed, s.Name)
		} else {
			by[s.Phase] = append(by[s.Phase], s.Name)
		}
	}
	return by, allowed
}

func (f *Facts) summarizeActive(jobs []v1alpha1.JobStatus, by map[v1alpha1.JobPhase][]string, started bool, done string) (phase v1alpha1.RunPhase, reason, message string) {
	running, starting := split(jobs)
	goesOn := list("running", running) + list("starting", starting)
	h, finally := f.halt(), f.awaitsFinally(jobs)
	if finally {
		h = f.endedBy(jobs)
	}
	switch {
	case h != nil && finally:
		return v1alpha1.RunRunning, h.stopping, stuck(jobs, h.ended(started, done)+list("failed", f.failedFinally(jobs))+goesOn)
	case h != nil && f.queuedAgain():
		return v1alpha1.RunRunning, h.stopping, h.say(h.verb) + "; " + f.line()
	case h != nil:
		return v1alpha1.RunRunning, h.stopping, h.stop(by[v1alpha1.JobRunning])
	case f.queuedAgain() && started:
		return v1alpha1.RunRunning, v1alpha1.ReasonQueued, done + "; " + f.line()
	case f.queued() && (!f.Place.Released || f.queuedAgain()):
		return v1alpha1.RunQueued, v1alpha1.ReasonQueued, f.line()
	case !started:
		return v1alpha1.RunQueued, v1alpha1.ReasonQueued, stuck(jobs, "no job has started")
	}
	return v1alpha1.RunRunning, v1alpha1.ReasonRunning, stuck(jobs, done+list("failed", by[v1alpha1.JobFailed])+goesOn)
}

// split tells the jobs whose program runs, for all that is known, from those
// that something keeps from it.
func split(jobs []v1alpha1.JobStatus) (running, starting []string) {
	for i := range jobs {
		switch s := &jobs[i]; {
		case s.Phase != v1alpha1.JobRunning:
		case s.Reason == "":
			running = append(running, s.Name)
		default:
			starting = append(starting, s.Name)
		}
	}
	return running, starting
}

// list is a part of a message, blank without jobs.
func list(what string, jobs []string) string {
	if len(jobs) == 0 {
		return ""
	}
	return "; " + what + ": " + names(jobs)
}

// stuck appends what keeps a job from starting.
func stuck(jobs []v1alpha1.JobStatus, message string) string {
	for i := range jobs {
		s := &jobs[i]
		if !s.Phase.Finished() && !slices.Contains([]string{"", v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingTurn}, s.Reason) {
			why := s.Message
			if s.Reason != v1alpha1.ReasonAwaitingApproval {
				// Half a command would be worse than none.
				why = gist(why)
			}
			return fmt.Sprintf("%s; %s: %s: %s", message, s.Name, s.Reason, why)
		}
	}
	return message
}

// failures tells of the first failed job why it failed, and names the others.
func failures(jobs []v1alpha1.JobStatus) string {
	var first *v1alpha1.JobStatus
	var others []string
	for i := range jobs {
		switch {
		case !jobs[i].HasFailed():
		case first == nil:
			first = &jobs[i]
		default:
			others = append(others, jobs[i].Name)
		}
	}
	text := fmt.Sprintf("job %s failed: %s: %s", first.Name, first.Reason, gist(first.Message))
	if len(others) > 0 {
		text += "; also failed: " + names(others)
	}
	return text
}

func names(jobs []string) string {
	if len(jobs) <= maxNamed {
		return strings.Join(jobs, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(jobs[:maxNamed], ", "), len(jobs)-maxNamed)
}
