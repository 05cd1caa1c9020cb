package plan

import (
	"time"

	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/queue"
)

// vacate takes what still runs of a Run that has ended off its lock. It kept no
// place from the end on, and would take it back with the Run's deletion: what is
// left of a deleted Run doesn't say that the Run had ended. What ends in its time
// isn't worth a write.
func (f *Facts) vacate(d *Decision) {
	if _, bound := queue.LockOf(f.Run); !bound || f.Run.Status.CompletionTime == nil {
		return
	}
	holds, longest := false, time.Duration(0)
	for _, job := range f.Jobs {
		holds = holds || queue.JobHolds(job) != ""
	}
	for _, pods := range f.Pods {
		for i := range pods {
			if pod := &pods[i]; queue.PodHolds(pod) != "" && queue.HolderOf(pod).UID == f.Run.UID {
				holds, longest = true, max(longest, evidence.Grace(pod))
			}
		}
	}
	if !holds {
		return
	}
	if left := f.Run.Status.CompletionTime.Add(longest + evidence.Silence).Sub(f.Now); left > 0 {
		d.requeue(left)
		return
	}
	d.Vacate = true
}
