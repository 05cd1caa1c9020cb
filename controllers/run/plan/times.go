package plan

import (
	"cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// stamp adds to a status that is to be written when its jobs were due, got a node and
// started. These times alone are no reason to write it.
func (f *Facts) stamp(d *Decision) {
	for i := range d.Status.Jobs {
		s := &d.Status.Jobs[i]
		if job := f.Jobs[s.Name]; job != nil && s.ReusedFrom == "" && !f.recorded(s.Name).Phase.Finished() {
			f.stampJob(f.part(s.Name), s)
		}
	}
}

func (f *Facts) stampJob(p part, s *v1alpha1.JobStatus) {
	if s.QueuedTime == nil {
		// An older version has recorded that as the start.
		s.QueuedTime, s.StartTime = p.job.CreationTimestamp.DeepCopy(), nil
	}
	seen := evidence.TimesOf(p.job, p.pods, s.CompletionTime)
	if !evidence.Single(p.job) {
		s.ScheduledTime, s.StartTime = cmp.Or(s.ScheduledTime, seen.Scheduled), cmp.Or(s.StartTime, seen.Started)
		return
	}
	seen = seen.Over(evidence.Times{Scheduled: s.ScheduledTime, Started: s.StartTime})
	s.ScheduledTime, s.StartTime = seen.Scheduled, seen.Started
}
