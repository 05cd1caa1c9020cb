package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// explainAfter is how long a Job that runs may be without a pod, or its pod on a
// node without a container, before events are asked for the reason. It is also
// how often they are asked again.
const explainAfter = 30 * time.Second

// Unexplained is an object that keeps a job from starting, and doesn't show why:
// its events may.
type Unexplained struct {
	// Job is the name of the job or service in the Pipeline, or stands for what a
	// notifier tells.
	Job string
	// UID of its Job or pod.
	UID types.UID
	// Explain returns what the events of the object say, with a blank reason if
	// nothing.
	Explain func([]corev1.Event) evidence.Why
}

// Unexplained returns what to ask events for. Nobody is told of events, which
// are too many to watch, so they are asked for late, and not again while the job
// shows what they said.
func (f *Facts) Unexplained() []Unexplained {
	var found []Unexplained
	for i := range f.Spec.Jobs {
		found = f.unexplained(f.recorded(f.Spec.Jobs[i].Name), found)
	}
	for i := range f.Spec.Services {
		found = f.unexplained(asJob(f.recordedService(f.Spec.Services[i].Name)), found)
	}
	return f.lateNotices(found)
}

func (f *Facts) unexplained(s v1alpha1.JobStatus, found []Unexplained) []Unexplained {
	job := f.Jobs[s.Name]
	if job == nil || s.Phase.Finished() || evidence.Suspended(job) {
		return found
	}
	pods := f.pods(job)
	if late := evidence.LatePod(job, pods); late != nil {
		return append(found, Unexplained{s.Name, late.UID, evidence.LateFailure})
	}
	if evidence.Finished(job) {
		return found
	}
	switch stalled := evidence.StalledPod(pods); {
	case evidence.AwaitsPod(job, pods):
		if s.Reason != v1alpha1.ReasonFailedCreate && job.Status.StartTime != nil && job.Status.Active == 0 && f.patience(s, job, pods) <= 0 {
			return append(found, Unexplained{s.Name, job.UID, evidence.CreateFailure})
		}
	case stalled != nil && !evidence.SaidByEvents(s.Reason) && f.stalledFor(stalled) >= f.explainAfter():
		return append(found, Unexplained{s.Name, stalled.UID, evidence.StartFailure})
	}
	return found
}

// explainAfter is sooner where the pendingTimeout would else end a job before
// anybody has asked.
func (f *Facts) explainAfter() time.Duration {
	return min(explainAfter, f.pendingTimeout()/2)
}

func (f *Facts) stalledFor(pod *corev1.Pod) time.Duration {
	return f.Now.Sub(pod.Status.StartTime.Time)
}

// stalling says what keeps a pod from its first container, which is known from
// events.
func (f *Facts) stalling(s v1alpha1.JobStatus, pods []corev1.Pod, d *Decision) (reason, message string) {
	pod := evidence.StalledPod(pods)
	if pod == nil {
		return "", ""
	}
	if why := f.Explained[s.Name]; why.Reason != "" {
		return why.Reason, evidence.Shorten(why.Message)
	}
	if evidence.SaidByEvents(s.Reason) {
		return s.Reason, s.Message
	}
	if wait := f.explainAfter() - f.stalledFor(pod); wait > 0 {
		d.requeue(wait)
	} else {
		d.requeue(explainAfter)
	}
	return "", ""
}
