package plan

import (
	"strings"
	"time"

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

// patience is how much longer the part may be without a pod.
func (f *Facts) patience(p part, w waiting) time.Duration {
	if p.job.Status.StartTime == nil {
		return f.untouched(p, w)
	}
	since, backoff := p.job.Status.StartTime.Time, time.Duration(0)
	if awaitsReplacement(w) && w.since != nil {
		// That pod may be gone without a trace.
		since = w.since.Time
	}
	if w.reason == "" && w.since != nil && w.since.After(since) {
		since = w.since.Time // Since then a pod is known to be on its way.
	}
	for i := range p.pods {
		pod := &p.pods[i]
		if pod.Status.Phase == corev1.PodFailed && (evidence.TurnedAway(pod) || !evidence.WasDisrupted(pod)) {
			backoff = min(max(2*backoff, retryBackoff), maxRetryBackoff)
		}
		if ended := evidence.FinishedAt(pod); ended != nil && ended.After(since) {
			since = ended.Time
		}
	}
	return explainAfter + backoff - f.Now.Sub(since)
}

// untouched is how much longer a Job may be without a controller that begins with
// it. Since when one goes on that was suspended, only the Run's status tells: without
// a reason, what it waits since then is its controller.
func (f *Facts) untouched(p part, w waiting) time.Duration {
	limit := turn
	if !evidence.Controlled(p.job) {
		limit = explainAfter
	}
	if w.reason == v1alpha1.ReasonSuspended {
		return limit
	}
	since := p.job.CreationTimestamp.Time
	if w.reason == "" && w.since != nil {
		since = w.since.Time
	}
	return limit - f.Now.Sub(since)
}

// awaitsReplacement reports whether a pod is known to have been lost, and another
// is to come.
func awaitsReplacement(w waiting) bool {
	return w.reason == v1alpha1.ReasonDisrupted || w.reason == v1alpha1.ReasonNodeSilent
}

// awaitPod explains why the Job has no pod, and since when. Nothing but time tells
// that there is something to explain, so it asks for another look until the reason
// is known.
func (f *Facts) awaitPod(p part, w waiting, d *Decision) (waiting, *time.Time) {
	job := p.job
	switch why, wait := f.Explained[p.name], f.patience(p, w); {
	case wait > 0 && awaitsReplacement(w):
		d.requeue(wait)
		return w, nil
	case wait > 0:
		// Not as late as a controller may begin with the Job: it may fail at once.
		d.requeue(min(wait, explainAfter))
		resumed := w.reason == v1alpha1.ReasonSuspended && job.Status.StartTime == nil
		if w = f.because(w, "", ""); resumed {
			w.since = f.timestamp()
		}
		return w, nil
	case job.DeletionTimestamp != nil:
		w = f.because(w, v1alpha1.ReasonJobDeleted, evidence.Shorten("its Job is being deleted; finalizers hold it: "+strings.Join(job.Finalizers, ", ")))
	case job.Status.StartTime == nil:
		w = f.because(w, v1alpha1.ReasonNotTakenUp, evidence.NotTakenUp(job))
	case job.Status.Active > 0 && w.reason == v1alpha1.ReasonFailedCreate:
		// It has made one, which is yet to be seen.
		d.requeue(explainAfter)
		return waiting{since: f.timestamp()}, nil
	case why.Reason != "":
		w = f.because(w, why.Reason, evidence.Shorten(why.Message))
	case w.reason != v1alpha1.ReasonFailedCreate:
		d.requeue(explainAfter)
		w = f.because(w, v1alpha1.ReasonAwaitingPod, evidence.NoPod(job, p.pods))
	default:
		w = f.because(w, w.reason, w.message)
	}
	return w, &w.since.Time
}

// lacksPod reports whether the job has ended for want of a pod, which its Job may
// make at any time.
func lacksPod(s *v1alpha1.JobStatus) bool {
	return s.Phase == v1alpha1.JobFailed && (s.Reason == v1alpha1.ReasonNotTakenUp || s.Reason == v1alpha1.ReasonAwaitingPod)
}
