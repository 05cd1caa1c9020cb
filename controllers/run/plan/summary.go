package plan

import (
	"fmt"
	"slices"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// summarize derives the Run's phase, and why in a sentence.
func (r *result) summarize(started bool) (phase v1alpha1.RunPhase, reason, message string) {
	by, allowed := group(r.jobs)
	done := fmt.Sprintf("%d of %d jobs succeeded", len(by[v1alpha1.JobSucceeded]), len(r.jobs)) + r.reused(r.jobs) + list(allowedFailure, allowed)
	if len(by[v1alpha1.JobWaiting])+len(by[v1alpha1.JobRunning]) > 0 {
		return r.summarizeActive(by, started, done)
	}
	switch h := r.endedBy(); {
	case h != nil:
		return h.phase, h.reason, h.sayEnded(started, done) + list("failed", r.failedFinally())
	case len(by[v1alpha1.JobFailed]) > 0:
		return v1alpha1.RunFailed, v1alpha1.ReasonJobFailed, failures(r.jobs) + "; " + done
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

func (r *result) summarizeActive(by map[v1alpha1.JobPhase][]string, started bool, done string) (phase v1alpha1.RunPhase, reason, message string) {
	running, starting := split(r.jobs)
	goesOn := list("running", running) + list("starting", starting)
	h, finally := r.halt, r.awaitsFinally()
	if finally {
		h = r.endedBy()
	}
	switch {
	case h != nil && finally:
		return v1alpha1.RunRunning, h.stopping, stuck(r.jobs, h.sayEnded(started, done)+list("failed", r.failedFinally())+goesOn)
	case h != nil && r.queuedAgain():
		return v1alpha1.RunRunning, h.stopping, h.say(h.verb) + "; " + r.line()
	case h != nil:
		return v1alpha1.RunRunning, h.stopping, h.sayStopping(by[v1alpha1.JobRunning])
	case r.queuedAgain() && started:
		return v1alpha1.RunRunning, v1alpha1.ReasonQueued, done + "; " + r.line()
	case r.queued() && (!r.Place.Released || r.queuedAgain()):
		return v1alpha1.RunQueued, v1alpha1.ReasonQueued, r.line()
	case !started:
		return v1alpha1.RunQueued, v1alpha1.ReasonQueued, stuck(r.jobs, "no job has started")
	}
	return v1alpha1.RunRunning, v1alpha1.ReasonRunning, stuck(r.jobs, done+list("failed", by[v1alpha1.JobFailed])+goesOn)
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

// stuck appends what keeps a job from starting.
func stuck(jobs []v1alpha1.JobStatus, message string) string {
	for i := range jobs {
		s := &jobs[i]
		if !s.Phase.Finished() && !slices.Contains([]string{"", v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingTurn}, s.Reason) {
			why := s.Message
			if s.Reason != v1alpha1.ReasonAwaitingApproval {
				// Half a command would be worse than none.
				why = printable.CutMiddle(why, maxSummary)
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
	text := fmt.Sprintf("job %s failed: %s", first.Name, sayFailed(first))
	if len(others) > 0 {
		text += "; also failed: " + names(others)
	}
	return text
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
			trouble = fmt.Sprintf("; %s: %s: %s", s.Name, s.Reason, printable.CutMiddle(s.Message, maxSummary))
		}
	}
	if len(waits) == 0 {
		return message
	}
	return message + "; starting services: " + names(waits) + trouble
}
