package plan

import (
	"cmp"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// retryNotice is how long the Job of a notifier that there is no room for is
// tried again, from the moment that the Run came to the phase; retryUntried is
// the same for one that nobody has come to try.
const (
	retryNotice  = 10 * time.Minute
	retryUntried = 24 * time.Hour
)

// notify adds to the decision which notifiers tell of the phase that it comes
// to, and brings the status of the others up to date. The status has an entry
// for each, so that one which was not tried is known to be missing. Nothing about
// a notifier ever changes the rest of the status.
func (f *Facts) notify(d *Decision) {
	s := &d.Status
	for i := range s.Notifiers {
		f.followNotice(&s.Notifiers[i], d)
	}
	for i := range f.Spec.Notifiers {
		if n := &f.Spec.Notifiers[i]; slices.Contains(n.Phases, s.Phase) {
			f.decideNotice(Notice{Notifier: n.Name, Phase: s.Phase}, d)
		}
	}
}

// followNotice records that the Job of a notifier has failed. One that succeeds
// costs no write.
func (f *Facts) followNotice(s *v1alpha1.NotifierStatus, d *Decision) {
	job := f.Notices[Notice{Notifier: s.Name, Phase: s.Phase}].Job
	if s.Job == "" || s.Reason != "" || job == nil {
		return
	}
	verdict := evidence.Condition(job, batchv1.JobFailed)
	if verdict == nil {
		return
	}
	pods := f.podsOf(job)
	if evidence.Running(pods) && f.Now.Sub(verdict.LastTransitionTime.Time) < evidence.PodNews {
		d.requeue(evidence.PodNews)
		return
	}
	s.Reason, s.Message = evidence.Failure(job, pods, f.Explained[noticeKey(s)])
}

// decideNotice asks for a notice that has not been given, and records what came
// of it.
func (f *Facts) decideNotice(notice Notice, d *Decision) {
	s := &d.Status
	at := slices.IndexFunc(s.Notifiers, func(s v1alpha1.NotifierStatus) bool {
		return s.Name == notice.Notifier && s.Phase == notice.Phase
	})
	if at < 0 {
		at = len(s.Notifiers)
		s.Notifiers = append(s.Notifiers, v1alpha1.NotifierStatus{Name: notice.Notifier, Phase: notice.Phase})
	}
	entry := &s.Notifiers[at]
	if !f.waits(entry, s) {
		return
	}
	outcome, tried := f.Notices[notice]
	switch {
	case !tried:
		d.Notify = append(d.Notify, notice)
		return
	case outcome.Job != nil:
		entry.Job, entry.Reason, entry.Message = outcome.Job.Name, "", ""
		s.Number = cmp.Or(s.Number, f.Number)
	case entry.Reason != outcome.Refusal.Reason:
		entry.Reason, entry.Message = outcome.Refusal.Reason, evidence.Shorten(outcome.Refusal.Message)
	}
	if f.waits(entry, s) {
		d.requeue(RetryFull)
	}
}

// waits reports whether the notifier's Job is still to be created, for which
// there is only so much time: what it tells of gets old.
func (f *Facts) waits(entry *v1alpha1.NotifierStatus, s *v1alpha1.RunStatus) bool {
	limit := retryNotice
	switch {
	case entry.Job != "" || entry.Phase != s.Phase:
		return false
	case entry.Reason == "":
		limit = retryUntried
	case !Deferred(entry.Reason):
		return false
	}
	since := f.Run.CreationTimestamp.Time
	switch {
	case s.Phase.Finished() && s.CompletionTime != nil:
		since = s.CompletionTime.Time
	case s.Phase == v1alpha1.RunRunning && s.StartTime != nil:
		since = s.StartTime.Time
	}
	return f.Now.Sub(since) < limit
}

// noticeKey is no name of a job.
func noticeKey(s *v1alpha1.NotifierStatus) string {
	return s.Name + "/" + string(s.Phase)
}
