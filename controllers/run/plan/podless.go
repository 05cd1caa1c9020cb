package plan

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of jobs whose Job has no pod.
const (
	// ReasonFailedCreate, also of the Job controller's events: it can't create the
	// pod.
	ReasonFailedCreate = "FailedCreate"
	// ReasonAwaitingPod: the Job controller doesn't say why there is none.
	ReasonAwaitingPod = "AwaitingPod"
)

const successfulCreate = "SuccessfulCreate"

// The Job controller waits after a failure before it tries again: at first for
// retryBackoff, twice as long after each further one, and at most for
// maxRetryBackoff.
const (
	retryBackoff    = 10 * time.Second
	maxRetryBackoff = 10 * time.Minute
)

// patience is how much longer the Job may be without a pod. One that the Job
// controller has not taken up yet just waits for its turn.
func (f *Facts) patience(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod) time.Duration {
	if job.Status.StartTime == nil {
		return explainAfter
	}
	since, backoff := job.Status.StartTime.Time, time.Duration(0)
	if s.Reason == ReasonDisrupted && s.WaitingSince != nil {
		// That pod may be gone without a trace.
		since = s.WaitingSince.Time
	}
	for i := range pods {
		if pods[i].Status.Phase == corev1.PodFailed && (turnedAway(&pods[i]) || !wasDisrupted(&pods[i])) {
			backoff = min(max(2*backoff, retryBackoff), maxRetryBackoff)
		}
		if ended := finishedAt(&pods[i]); ended != nil && ended.After(since) {
			since = ended.Time
		}
	}
	return explainAfter + backoff - f.Now.Sub(since)
}

func awaitsPod(job *batchv1.Job, pods []corev1.Pod) bool {
	return !jobFinished(job) && !suspended(job) && job.Status.Active == 0 && !running(pods)
}

// awaitPod explains why the Job has no pod, and since when. Nothing but time tells that there is
// something to explain, so it asks for another look until the reason is known.
func (f *Facts) awaitPod(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, *time.Time) {
	switch why, wait := f.Explained[s.Name], f.patience(s, job, pods); {
	case wait > 0 && s.Reason == ReasonDisrupted:
		d.requeue(wait)
		return s, nil
	case wait > 0:
		d.requeue(wait)
		return f.explain(s, "", ""), nil
	case why.Reason != "":
		s = f.explain(s, why.Reason, shorten(why.Message))
	case s.Reason != ReasonFailedCreate:
		d.requeue(explainAfter)
		s = f.explain(s, ReasonAwaitingPod, "its Job has no pod, and its events don't say why")
	default:
		s = f.explain(s, s.Reason, s.Message)
	}
	return s, &s.WaitingSince.Time
}

// CreateFailure returns why the Job's last attempt to create a pod failed, given
// the Job's events, with a blank reason if they don't say that it did.
func CreateFailure(events []corev1.Event) Refusal {
	last := newest(events, func(e *corev1.Event) bool { return e.Reason == ReasonFailedCreate || e.Reason == successfulCreate })
	if last == nil || last.Reason != ReasonFailedCreate {
		return Refusal{}
	}
	return Refusal{Reason: ReasonFailedCreate, Message: last.Message}
}
