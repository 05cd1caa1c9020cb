package plan

import (
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// The Job controller waits after a failure before it tries again: at first for
// retryBackoff, twice as long after each further one, and at most for
// maxRetryBackoff.
const (
	retryBackoff    = 10 * time.Second
	maxRetryBackoff = 10 * time.Minute
)

// turn is how long a Job may wait for the Job controller's first look at it before
// that is worth a word: it makes a few a second, and there may be hundreds.
const turn = 2 * time.Minute

// untouched is how much longer a Job may be without a controller that begins with
// it. Since when one goes on that was suspended, only the Run's status tells: without
// a reason, what it waits since then is its controller.
func (f *Facts) untouched(s v1alpha1.JobStatus, job *batchv1.Job) time.Duration {
	limit := turn
	if !evidence.Controlled(job) {
		limit = explainAfter
	}
	if s.Reason == v1alpha1.ReasonSuspended {
		return limit
	}
	since := job.CreationTimestamp.Time
	if s.Reason == "" && s.WaitingSince != nil {
		since = s.WaitingSince.Time
	}
	return limit - f.Now.Sub(since)
}

// patience is how much longer the Job may be without a pod.
func (f *Facts) patience(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod) time.Duration {
	if job.Status.StartTime == nil {
		return f.untouched(s, job)
	}
	since, backoff := job.Status.StartTime.Time, time.Duration(0)
	if awaitsReplacement(s) && s.WaitingSince != nil {
		// That pod may be gone without a trace.
		since = s.WaitingSince.Time
	}
	for i := range pods {
		if pods[i].Status.Phase == corev1.PodFailed && (evidence.TurnedAway(&pods[i]) || !evidence.WasDisrupted(&pods[i])) {
			backoff = min(max(2*backoff, retryBackoff), maxRetryBackoff)
		}
		if ended := evidence.FinishedAt(&pods[i]); ended != nil && ended.After(since) {
			since = ended.Time
		}
	}
	return explainAfter + backoff - f.Now.Sub(since)
}

// awaitsReplacement reports whether a pod is known to have been lost, and another
// is to come.
func awaitsReplacement(s v1alpha1.JobStatus) bool {
	return s.Reason == v1alpha1.ReasonDisrupted || s.Reason == v1alpha1.ReasonNodeSilent
}

// awaitPod explains why the Job has no pod, and since when. Nothing but time tells that there is
// something to explain, so it asks for another look until the reason is known.
func (f *Facts) awaitPod(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) (v1alpha1.JobStatus, *time.Time) {
	switch why, wait := f.Explained[s.Name], f.patience(s, job, pods); {
	case wait > 0 && awaitsReplacement(s):
		d.requeue(wait)
		return s, nil
	case wait > 0:
		// Not as late as a controller may begin with the Job: it may fail at once.
		d.requeue(min(wait, explainAfter))
		resumed := s.Reason == v1alpha1.ReasonSuspended && job.Status.StartTime == nil
		if s = f.explain(s, "", ""); resumed {
			s.WaitingSince = f.now()
		}
		return s, nil
	case job.DeletionTimestamp != nil:
		s = f.explain(s, v1alpha1.ReasonJobDeleted, evidence.Shorten("its Job is being deleted; finalizers hold it: "+strings.Join(job.Finalizers, ", ")))
	case job.Status.StartTime == nil:
		s = f.explain(s, v1alpha1.ReasonNotTakenUp, evidence.NotTakenUp(job))
	case job.Status.Active > 0 && s.Reason == v1alpha1.ReasonFailedCreate:
		// It has made one, which is yet to be seen.
		d.requeue(explainAfter)
		return f.explain(s, "", ""), nil
	case why.Reason != "":
		s = f.explain(s, why.Reason, evidence.Shorten(why.Message))
	case s.Reason != v1alpha1.ReasonFailedCreate:
		d.requeue(explainAfter)
		s = f.explain(s, v1alpha1.ReasonAwaitingPod, evidence.NoPod(job, pods))
	default:
		s = f.explain(s, s.Reason, s.Message)
	}
	return s, &s.WaitingSince.Time
}

// lacksPod reports whether the job has ended for want of a pod, which its Job may
// make at any time.
func lacksPod(s *v1alpha1.JobStatus) bool {
	return s.Phase == v1alpha1.JobFailed && (s.Reason == v1alpha1.ReasonNotTakenUp || s.Reason == v1alpha1.ReasonAwaitingPod)
}
