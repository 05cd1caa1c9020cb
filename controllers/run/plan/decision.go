package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Decision is what to do about a Run.
type Decision struct {
	// Step is what to do next. Then it is decided again.
	Step Step
	// Number names jobs whose condition depends on the Run's number, which is not
	// known.
	Number []string
	// NeedsPlace: the Run has given its place back, and something is to run.
	NeedsPlace bool
	// Create names jobs to create the Job of, in the Pipeline's order.
	Create []string
	// Serve names services to create the Service and the Job of.
	Serve []string
	// DeleteServices names services to delete the Service of.
	DeleteServices []string
	// StopPods lists pods whose deadline is to be cut to a second, which ends them and
	// keeps them and their log.
	StopPods []types.NamespacedName
	// SpareJobs names services whose Job is not to fail with the pod that is stopped.
	// Their pods are stopped only if that was done.
	SpareJobs []string
	// CompleteJobs names services whose Job is to be complete, with no pod to run.
	CompleteJobs []string
	// EndJobs names jobs and services whose Job the Job controller is to fail.
	EndJobs []string
	// DeleteWorkspace asks to delete the claim of the workspace.
	DeleteWorkspace bool
	// Vacate asks to take the label of the lock off the Run's Jobs and pods that hold
	// a place.
	Vacate bool
	// DeleteJobs names jobs and services whose Job is to be deleted. Pods of it that
	// have ended are to stay.
	DeleteJobs []string
	// Notify lists the notifiers that are to tell of the status's phase. It is no part
	// of Acts, which may change the phase.
	Notify []Notice
	// Status of the Run.
	Status v1alpha1.RunStatus
	// Outcome is the phase that the Run comes to unless a finally job fails. Blank
	// before those may start.
	Outcome v1alpha1.RunPhase
	// RequeueAfter asks for another look when nothing may happen before. 0: none.
	RequeueAfter time.Duration

	// serving: every service is ready, so that jobs may start.
	serving bool
}

// Acts reports whether there is something to do beside writing the status.
func (d *Decision) Acts() bool {
	return len(d.Create)+len(d.Serve)+d.ends() > 0 || d.DeleteWorkspace || d.Vacate
}

// ends counts what there is to end.
func (d *Decision) ends() int {
	return len(d.DeleteServices) + len(d.StopPods) + len(d.SpareJobs) + len(d.CompleteJobs) + len(d.EndJobs) + len(d.DeleteJobs)
}

// requeue asks for another look after this time at the latest. 0: for none.
func (d *Decision) requeue(after time.Duration) {
	if after != 0 && (d.RequeueAfter == 0 || after < d.RequeueAfter) {
		d.RequeueAfter = after
	}
}
