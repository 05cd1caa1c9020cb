// Package plan decides what to do about a Run. It is pure: what was observed
// goes in, what to create, stop and end comes out, with the status that the
// observations amount to. The caller acts, adds the outcome to the facts and
// decides again: the second decision asks for nothing and holds the status to
// write. Deciding again from the same facts always gives the same, so a
// controller that is killed anywhere goes on where it was.
package plan

import (
	"cmp"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/queue"
)

// Facts are what was observed of one Run. Maps are by the job's or service's name
// in the Pipeline.
type Facts struct {
	// Run as last read. Its status holds what earlier decisions recorded.
	Run *v1alpha1.Run
	// Spec of the Run's revision. Its jobs stand in a topological order.
	Spec v1alpha1.PipelineSpec
	// Source is the Run that this one retries, until what is reused of it has been
	// recorded. nil: none, or not needed any more.
	Source *v1alpha1.Run
	// Params of the Run, with the Pipeline's defaults.
	Params map[string]string
	// Expressions compiles the conditions of jobs. nil if none has one.
	Expressions *expr.RunEnv
	// Number of the Run, 0 if none has been claimed.
	Number int64
	// Jobs that exist and belong to the Run.
	Jobs map[string]*batchv1.Job
	// Pods of those Jobs.
	Pods map[string][]corev1.Pod
	// Missing are jobs whose Job was created and then found, by a read from the API
	// server itself, to be gone.
	Missing map[string]bool
	// Undisturbed are those of Unwitnessed whose pod ended by itself.
	Undisturbed map[string]bool
	// Refused are Jobs that the API server will never accept.
	Refused map[string]Refusal
	// Place of the Run among those of its concurrency key. nil: nothing bounds them,
	// or the Run has ended or was cancelled without one.
	Place *queue.Place
	// Deferred are Jobs that can't be created now, but may be later.
	Deferred map[string]Refusal
	// Explained is what events say about those that Unexplained names, with a blank
	// reason if nothing.
	Explained map[string]evidence.Why
	// Unbound says why the claim of the workspace has no volume, with a blank reason
	// if nothing does. nil: it has one, or no pod waits for it.
	Unbound *evidence.Why
	// WorkspaceInUse: a pod that has not ended mounts the claim of the workspace.
	WorkspaceInUse bool
	// WorkspaceGone: the claim of the workspace is gone.
	WorkspaceGone bool
	// Retired are services whose Service object is known to be gone.
	Retired map[string]bool
	// Vouched says that who gave the Run's approvals is what admission found, and
	// not what anybody wrote.
	Vouched bool
	// Notices are what is known of the notifiers' Jobs, and of attempts to create
	// them.
	Notices map[Notice]NoticeOutcome
	// Now is the time.
	Now time.Time
}

// Refusal says why a Job or its pod was not created, or can't start.
type Refusal struct {
	Reason, Message string
	// After is how soon to try again what was deferred. 0: the longer it has
	// waited, the later.
	After time.Duration
}

// Decision is what to do about a Run.
type Decision struct {
	// Number names jobs whose condition depends on the Run's number, which is not
	// known: claim it and decide again before anything else is done.
	Number []string
	// NeedsPlace: the Run has given its place back, and something is to run.
	NeedsPlace bool
	// Create names jobs to create the Job of, in the Pipeline's order.
	Create []string
	// Serve names services to create the Service and the Job of.
	Serve []string
	// Retire names services to delete the Service of.
	Retire []string
	// Stop lists pods whose deadline is to be cut to a second, which ends them and
	// keeps them and their log.
	Stop []types.NamespacedName
	// Spare names services whose Job is not to fail with the pod that is stopped.
	// Their pods are stopped only if that was done.
	Spare []string
	// Complete names services whose Job is to be complete, with no pod to run.
	Complete []string
	// End names jobs and services whose Job the Job controller is to fail.
	End []string
	// DeleteWorkspace asks to delete the claim of the workspace.
	DeleteWorkspace bool
	// Vacate asks to take the label of the lock off the Run's Jobs and pods that hold
	// a place.
	Vacate bool
	// Remove names jobs and services whose Job is to be deleted. Pods of it that
	// have ended are to stay.
	Remove []string
	// Notify lists the notifiers that are to tell of the status's phase. It is done
	// last, and is no part of Acts: what is done before may change the phase.
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
	return len(d.Retire) + len(d.Stop) + len(d.Spare) + len(d.Complete) + len(d.End) + len(d.Remove)
}

// Decide decides what to do about the Run. The status of a Run that has
// finished is never changed, but for what its notifiers come to; what is left of
// its Jobs may still be stopped.
func Decide(f *Facts) Decision {
	var d Decision
	services := f.decideServices(&d)
	statuses := make(map[string]*v1alpha1.JobStatus, len(f.Spec.Jobs))
	list := make([]v1alpha1.JobStatus, 0, len(f.Spec.Jobs))
	for i := range f.Spec.Jobs {
		// In topological order: what a job needs has been decided before it.
		spec := &f.Spec.Jobs[i]
		list = append(list, f.decideJob(spec, statuses, &d))
		if list[i].Phase == v1alpha1.JobFailed && spec.AllowFailure {
			list[i].FailureAllowed = true
		}
		statuses[spec.Name] = &list[i]
	}
	if f.Run.Status.Phase.Finished() {
		d.Status = *f.Run.Status.DeepCopy()
		f.deleteWorkspace(&d)
		f.vacate(&d)
		f.Notify(&d)
		return d
	}
	f.failFast(list, &d)
	f.takeTurns(list, &d)
	f.awaitPlace(list, &d)
	d.Status = f.runStatus(list, services, &d)
	if left, limited := f.limit(&d.Status); limited && left > 0 && !d.Status.Phase.Finished() {
		d.requeue(left)
	}
	f.Notify(&d)
	return d
}

// decideJob returns the job's new status and adds what to do about its Job.
func (f *Facts) decideJob(spec *v1alpha1.Job, done map[string]*v1alpha1.JobStatus, d *Decision) v1alpha1.JobStatus {
	if reused, holds := f.reuse(spec, done); holds {
		return reused
	}
	recorded := f.recorded(spec.Name)
	job := f.Jobs[spec.Name]
	status := recorded
	if !recorded.Phase.Finished() {
		if job == nil {
			return f.decideMissing(spec, recorded, done, d)
		}
		status = f.observe(f.sign(spec, recorded), job, done, d)
		if h := f.haltOf(spec.Name); h != nil && !status.Phase.Finished() && !evidence.Finished(job) {
			status = f.interrupt(h, status, job, d)
		}
	}
	if status.Phase.Finished() {
		if !recorded.Phase.Finished() && status.Phase != v1alpha1.JobSucceeded {
			status = f.keepOutputs(status, job, done)
		}
		f.settle(&status, job, d)
	}
	return status
}

// settle stops what is left of the Job of a job that has its result: nothing
// of it may run again.
func (f *Facts) settle(ended *v1alpha1.JobStatus, job *batchv1.Job, d *Decision) {
	if job != nil && ended.Phase == v1alpha1.JobCancelled {
		ended.Job = job.Name // Which may have been unknown when it was cancelled.
	}
	recorded := f.recorded(ended.Name).Phase.Finished()
	switch {
	case job == nil || evidence.Finished(job):
	case ended.Phase == v1alpha1.JobCancelled:
		f.stop(ended.Name, recorded, d)
		if !recorded && evidence.HoldsLog(f.pods(job)) {
			d.requeue(atOnce)
		}
	case evidence.Single(job) && !evidence.Replaced(job, f.pods(job)) && !lacksPod(ended):
	case !recorded:
		// A pod that is stopped doesn't show any more why: record that before.
		d.requeue(atOnce)
	case ended.Phase == v1alpha1.JobSucceeded:
		// Failed would be no true word for it.
		d.Remove = append(d.Remove, ended.Name)
	default:
		f.stop(ended.Name, recorded, d)
	}
}

// atOnce asks for another look as soon as this one is recorded.
const atOnce = time.Millisecond

// recorded returns what the Run's status says about the job.
func (f *Facts) recorded(name string) v1alpha1.JobStatus {
	if status, known := statusOf(f.Run, name); known {
		return status
	}
	return v1alpha1.JobStatus{Name: name, Phase: v1alpha1.JobWaiting}
}

// statusOf returns what the status of a Run says about the job.
func statusOf(run *v1alpha1.Run, name string) (status v1alpha1.JobStatus, known bool) {
	i := slices.IndexFunc(run.Status.Jobs, func(s v1alpha1.JobStatus) bool { return s.Name == name })
	if i < 0 {
		return v1alpha1.JobStatus{}, false
	}
	return *run.Status.Jobs[i].DeepCopy(), true
}

// PartOf returns the name, within the Pipeline, of the job, service or notifier
// that a Job or a pod belongs to. A notifier may have the name of another part.
func PartOf(obj metav1.Object) string {
	labels := obj.GetLabels()
	return cmp.Or(labels[v1alpha1.JobLabel], labels[v1alpha1.ServiceLabel], labels[v1alpha1.NotifierLabel])
}

// pods returns the pods that this Job made. One of a Job that had the same name
// before is none of them.
func (f *Facts) pods(job *batchv1.Job) []corev1.Pod {
	var owned []corev1.Pod
	for _, pod := range f.Pods[PartOf(job)] {
		if metav1.IsControlledBy(&pod, job) {
			owned = append(owned, pod)
		}
	}
	return owned
}

func (f *Facts) now() *metav1.Time {
	return &metav1.Time{Time: f.Now.Truncate(time.Second)}
}
