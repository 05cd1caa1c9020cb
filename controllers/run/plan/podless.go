package plan

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of the Job controller's events.
const (
	// ReasonFailedCreate is also the reason of a job whose Job can't create its pod.
	ReasonFailedCreate = "FailedCreate"
	successfulCreate   = "SuccessfulCreate"
)

// podlessAfter is how long a Job that runs may be without a pod before the
// reason is asked for. It is also how often a Job without one is looked at.
const podlessAfter = 30 * time.Second

// Podless names the jobs and services whose Job has had no pod for so long that something is
// likely to keep it from making one. What it is only the Job's events say; they
// are not asked for again while the job shows the reason.
func (f *Facts) Podless() []string {
	var found []string
	ask := func(s v1alpha1.JobStatus) {
		job := f.Jobs[s.Name]
		if job == nil || s.Phase.Finished() || s.Reason == ReasonFailedCreate {
			return
		}
		if pods := f.pods(job); awaitsPod(job, pods) && f.patience(job, pods) <= 0 {
			found = append(found, s.Name)
		}
	}
	for i := range f.Spec.Jobs {
		ask(f.recorded(f.Spec.Jobs[i].Name))
	}
	for i := range f.Spec.Services {
		ask(asJob(f.recordedService(f.Spec.Services[i].Name)))
	}
	return found
}

// patience is how much longer the Job may be without a pod. One that the Job
// controller has not taken up yet just waits for its turn, and after a failure
// the controller waits before it tries again.
func (f *Facts) patience(job *batchv1.Job, pods []corev1.Pod) time.Duration {
	if job.Status.StartTime == nil {
		return podlessAfter
	}
	since := job.Status.StartTime.Time
	for i := range pods {
		if ended := finishedAt(&pods[i]); ended != nil && ended.After(since) {
			since = ended.Time
		}
	}
	return podlessAfter - f.Now.Sub(since)
}

func awaitsPod(job *batchv1.Job, pods []corev1.Pod) bool {
	return !jobFinished(job) && !suspended(job) && job.Status.Active == 0 && !running(pods)
}

// awaitPod explains why the Job has no pod. Nothing but time tells that there is
// something to explain, so it asks for another look until the reason is known.
func (f *Facts) awaitPod(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	why := f.CreateFailures[s.Name]
	switch wait := f.patience(job, pods); {
	case wait > 0:
		d.requeue(wait)
		return explain(s, "", "")
	case why != "":
		return explain(s, ReasonFailedCreate, shorten(why))
	case s.Reason != ReasonFailedCreate:
		d.requeue(podlessAfter)
		return explain(s, "", "")
	}
	return s
}

// CreateFailure returns why the Job's last attempt to create a pod failed, given
// the Job's events, or nothing if they don't say that it did.
func CreateFailure(events []corev1.Event) string {
	var last *corev1.Event
	for i := range events {
		event := &events[i]
		if event.Reason != ReasonFailedCreate && event.Reason != successfulCreate {
			continue
		}
		if last == nil || seen(last).Before(seen(event)) {
			last = event
		}
	}
	if last == nil || last.Reason != ReasonFailedCreate {
		return ""
	}
	return last.Message
}

// seen is when the event was last seen to happen. Which field says so depends on
// how it was recorded.
func seen(event *corev1.Event) time.Time {
	latest := event.CreationTimestamp.Time
	if event.Series != nil && event.Series.LastObservedTime.After(latest) {
		latest = event.Series.LastObservedTime.Time
	}
	for _, at := range []time.Time{event.LastTimestamp.Time, event.EventTime.Time} {
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}
