// Package settled says whether anything of a Run that has ended is still to come:
// its result may be known before its last pod is gone, and its notifiers tell
// after that. It is pure.
package settled

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/plan"
)

// Jobs are known Jobs by the UID of their controller.
type Jobs map[types.UID][]*batchv1.Job

// ByRun sorts Jobs by the Run that controls them. They are not copied.
func ByRun(jobs []batchv1.Job) Jobs {
	sorted := Jobs{}
	for i := range jobs {
		if owner := metav1.GetControllerOfNoCopy(&jobs[i]); owner != nil {
			sorted[owner.UID] = append(sorted[owner.UID], &jobs[i])
		}
	}
	return sorted
}

// Settled reports whether none of the finished Run's Jobs will run anything any
// more, and no Job of a notifier is still to be created.
func (j Jobs) Settled(run *v1alpha1.Run, now time.Time) bool {
	facts := plan.Facts{Run: run, Now: now}
	return !slices.ContainsFunc(j[run.UID], func(job *batchv1.Job) bool { return !Job(job) }) && !facts.AwaitsNotice()
}

// Unseen returns the names of those Jobs of the Run's notifiers that are not
// known. They are as new as the Run's end, and a cache may not show them yet.
func (j Jobs) Unseen(run *v1alpha1.Run) []string {
	var names []string
	for i := range run.Status.Notifiers {
		name := run.Status.Notifiers[i].Job
		if name != "" && !slices.ContainsFunc(j[run.UID], func(job *batchv1.Job) bool { return job.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// Runs reports whether each of the finished Runs is settled by these Jobs.
func Runs(runs []v1alpha1.Run, jobs []batchv1.Job, now time.Time) bool {
	known := ByRun(jobs)
	for i := range runs {
		if !known.Settled(&runs[i], now) {
			return false
		}
	}
	return true
}

// Job reports whether the Job won't run anything any more.
func Job(job *batchv1.Job) bool {
	return evidence.Finished(job) || evidence.Suspended(job) && job.Status.Active == 0
}
