package plan

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// RetryFull is after what time it is tried again to create what there was no room
// for: nothing tells when there is.
const RetryFull = 15 * time.Second

// After any other failure it is tried again after as long as it has waited,
// within these bounds.
const (
	minRetryError = time.Second
	maxRetryError = 30 * time.Second
)

// Deferred reports whether a Job that was not created for this reason may be
// later. It is asked about what is recorded, too.
func Deferred(reason string) bool {
	return slices.Contains([]string{v1alpha1.ReasonCreateError, v1alpha1.ReasonQuotaExceeded, string(corev1.NamespaceTerminatingCause)}, reason)
}

// AwaitsRoom reports whether something of the Run can't be created, as recorded,
// because a quota has no room for it.
func AwaitsRoom(run *v1alpha1.Run) bool {
	return slices.ContainsFunc(run.Status.Jobs, func(s v1alpha1.JobStatus) bool {
		return s.Phase == v1alpha1.JobWaiting && s.Reason == v1alpha1.ReasonQuotaExceeded
	}) || slices.ContainsFunc(run.Status.Services, func(s v1alpha1.ServiceStatus) bool {
		return !s.Phase.Finished() && s.Reason == v1alpha1.ReasonQuotaExceeded
	})
}

// awaitsCreation reports whether this is why something could not be created
// before, and may be later.
func awaitsCreation(reason string) bool {
	return reason == v1alpha1.ReasonNameConflict || Deferred(reason)
}

// tryAgain returns what a job or service waits for whose Job is to be created. Why
// that could not be done before stays until it is done.
func (f *Facts) tryAgain(w waiting) waiting {
	if awaitsCreation(w.reason) {
		return w
	}
	return f.because(w, "", "")
}

// postpone lets a job wait that can't be created now, but not for ever. It is due since
// it could first not be.
func (f *Facts) postpone(s v1alpha1.JobStatus, refusal Refusal, d *Decision) v1alpha1.JobStatus {
	w := f.uncreated(waitOf(s), refusal)
	s.QueuedTime = cmp.Or(s.QueuedTime, f.timestamp())
	s = f.expire(w.of(s), w.since.Time, d)
	if !s.Phase.Finished() {
		d.requeue(f.retryCreate(w, refusal))
	}
	return s
}

// uncreated says why a job or service can't be created now. One obstacle after
// the other is one wait.
func (f *Facts) uncreated(w waiting, refusal Refusal) waiting {
	since, goesOn := w.since, awaitsCreation(w.reason) && w.since != nil
	w = f.because(w, refusal.Reason, evidence.Shorten(refusal.Message))
	if goesOn {
		w.since = since
	}
	return w
}

// retryCreate is how long to wait before what could not be created is tried
// again.
func (f *Facts) retryCreate(w waiting, refusal Refusal) time.Duration {
	switch {
	case refusal.After > 0:
		return refusal.After
	case refusal.Reason != v1alpha1.ReasonCreateError:
		return RetryFull
	default:
		return min(max(f.Now.Sub(w.since.Time), minRetryError), maxRetryError)
	}
}
