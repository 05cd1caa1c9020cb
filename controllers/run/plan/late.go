package plan

import (
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// lateNotices adds the pods of notifiers that have failed without having begun.
func (f *Facts) lateNotices(found []Unexplained) []Unexplained {
	for i := range f.Run.Status.Notifiers {
		s := &f.Run.Status.Notifiers[i]
		job := f.Notices[Notice{Notifier: s.Name, Phase: s.Phase}].Job
		if job == nil || s.Reason != "" {
			continue
		}
		if pod := evidence.LatePod(job, f.pods(job)); pod != nil {
			found = append(found, Unexplained{noticeKey(s), pod.UID, evidence.LateFailure})
		}
	}
	return found
}

// noticeKey is no name of a job.
func noticeKey(s *v1alpha1.NotifierStatus) string {
	return s.Name + "/" + string(s.Phase)
}
