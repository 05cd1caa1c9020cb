package plan

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

const successfulCreate = "SuccessfulCreate"

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
	if !controlled(job) {
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
		if pods[i].Status.Phase == corev1.PodFailed && (turnedAway(&pods[i]) || !wasDisrupted(&pods[i])) {
			backoff = min(max(2*backoff, retryBackoff), maxRetryBackoff)
		}
		if ended := finishedAt(&pods[i]); ended != nil && ended.After(since) {
			since = ended.Time
		}
	}
	return explainAfter + backoff - f.Now.Sub(since)
}

// awaitsPod reports whether the Job is to have a pod that runs, and has none. What
// the Job controller of this cluster has counted may be old: it may be away.
func awaitsPod(job *batchv1.Job, pods []corev1.Pod) bool {
	return !evidence.Finished(job) && !suspended(job) && (job.Status.Active == 0 || controlled(job)) && !running(pods)
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
		s = f.explain(s, v1alpha1.ReasonJobDeleted, shorten("its Job is being deleted; finalizers hold it: "+strings.Join(job.Finalizers, ", ")))
	case job.Status.StartTime == nil:
		s = f.explain(s, v1alpha1.ReasonNotTakenUp, notTakenUp(job))
	case job.Status.Active > 0 && s.Reason == v1alpha1.ReasonFailedCreate:
		// It has made one, which is yet to be seen.
		d.requeue(explainAfter)
		return f.explain(s, "", ""), nil
	case why.Reason != "":
		s = f.explain(s, why.Reason, shorten(why.Message))
	case s.Reason != v1alpha1.ReasonFailedCreate:
		d.requeue(explainAfter)
		s = f.explain(s, v1alpha1.ReasonAwaitingPod, noPod(job, pods))
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

func notTakenUp(job *batchv1.Job) string {
	text := "no controller has taken up its Job"
	if !controlled(job) {
		text += ", which its template's managedBy leaves to " + *job.Spec.ManagedBy
	}
	return text
}

// noPod says what is known of a Job without a pod whose events don't say why.
func noPod(job *batchv1.Job, pods []corev1.Pod) string {
	for _, kind := range []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobSuccessCriteriaMet} {
		if c := evidence.Condition(job, kind); c != nil {
			return shorten(fmt.Sprintf("its Job is to end (%s: %s), and the Job controller hasn't ended it", kind, cmp.Or(c.Message, c.Reason)))
		}
	}
	switch failed := lastFailed(pods); {
	case failed != nil:
		_, why := podFailure(failed)
		return shorten(fmt.Sprintf("pod %s has failed (%s), and the Job controller has neither ended its Job nor made another pod", failed.Name, why))
	case len(pods) > 0:
		return fmt.Sprintf("pod %s has ended, and the Job controller has neither ended its Job nor made another pod", pods[len(pods)-1].Name)
	case job.Status.Active > 0:
		return "its Job counts a pod that isn't there"
	default:
		return "its Job has no pod, and its events don't say why"
	}
}

// CreateFailure returns why the Job's last attempt to create a pod failed, given
// the Job's events, with a blank reason if they don't say that it did.
func CreateFailure(events []corev1.Event) Refusal {
	last := newest(events, func(e *corev1.Event) bool {
		return e.Reason == v1alpha1.ReasonFailedCreate || e.Reason == successfulCreate
	})
	if last == nil || last.Reason != v1alpha1.ReasonFailedCreate {
		return Refusal{}
	}
	return Refusal{Reason: v1alpha1.ReasonFailedCreate, Message: last.Message}
}
