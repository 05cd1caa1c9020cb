package plan

import (
	"cmp"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	// Fault is why the Run can't go on at all. nil: nothing is known of any.
	Fault *evidence.Why
	// Delay is why the Run can't be looked at yet. nil: it can.
	Delay *Delay
	// Unpinned: the Run lacks something of what it takes from its Pipeline.
	Unpinned bool
	// Place of the Run among those of its concurrency key. nil: nothing bounds them,
	// or the Run has ended or was cancelled without one.
	Place *queue.Place
	// PlaceOpen: the Run's place among the others wasn't looked for. Place is the one
	// that is recorded.
	PlaceOpen bool
	// Renamed are the parts of which an object is to have another name, because
	// something that isn't the Run's has its own, and of which that isn't recorded.
	Renamed []string
	// Acted is how often what was decided has been done since the status was read or
	// recorded.
	Acted int
	// Spent: something could not be done, and nothing more is tried in this look at
	// the Run. What was done is recorded.
	Spent bool
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
	// ServicesGone are services whose Service object is known to be gone.
	ServicesGone map[string]bool
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

// Delay is why a Run can't be looked at yet, and for how long at most.
type Delay struct {
	evidence.Why
	After time.Duration
}

// Notice is one phase that one notifier tells of.
type Notice struct {
	Notifier string
	Phase    v1alpha1.RunPhase
}

// NoticeOutcome is what is known of a notice beyond the Run's status.
type NoticeOutcome struct {
	// Job that was made for it. nil: it was refused, or deferred.
	Job *batchv1.Job
	// Refusal says why there is no Job.
	Refusal Refusal
}

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

// recordedService returns what the Run's status says about the service.
func (f *Facts) recordedService(name string) v1alpha1.ServiceStatus {
	for i := range f.Run.Status.Services {
		if s := f.Run.Status.Services[i]; s.Name == name {
			return s
		}
	}
	return v1alpha1.ServiceStatus{Name: name, Phase: v1alpha1.ServiceStarting}
}

// reason returns the one that is recorded of the Run, blank for none.
func (f *Facts) reason() string {
	if c := meta.FindStatusCondition(f.Run.Status.Conditions, v1alpha1.SucceededCondition); c != nil {
		return c.Reason
	}
	return ""
}

// startTime is when the first Job was created, or nil. The Jobs tell it before
// it is recorded, or when it could not be.
func (f *Facts) startTime() *metav1.Time {
	if recorded := f.Run.Status.StartTime; recorded != nil {
		return recorded.DeepCopy()
	}
	var first *metav1.Time
	for _, job := range f.Jobs {
		if first == nil || job.CreationTimestamp.Before(first) {
			first = job.CreationTimestamp.DeepCopy()
		}
	}
	return first
}

// isFinally reports whether it is the name of a finally job.
func (f *Facts) isFinally(job string) bool {
	return slices.ContainsFunc(f.Spec.Jobs, func(j v1alpha1.Job) bool { return j.Name == job && j.Finally })
}

// mainEnded reports whether all jobs but finally jobs are known to have ended.
func (f *Facts) mainEnded() bool {
	recorded := f.Run.Status.Jobs
	return len(recorded) == len(f.Spec.Jobs) &&
		!slices.ContainsFunc(recorded, func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() && !f.isFinally(s.Name) })
}

// jobsEnded reports whether all jobs are known to have ended.
func (f *Facts) jobsEnded() bool {
	recorded := f.Run.Status.Jobs
	return len(recorded) == len(f.Spec.Jobs) &&
		!slices.ContainsFunc(recorded, func(s v1alpha1.JobStatus) bool { return !s.Phase.Finished() })
}

// queued reports whether the Run has to wait for others of its key.
func (f *Facts) queued() bool {
	return f.Place != nil && !f.Place.Admitted
}

// queuedAgain reports whether the Run has had a place and waits for another.
func (f *Facts) queuedAgain() bool {
	return f.queued() && f.Place.Released && f.Place.Position > 0
}

// placeless reports whether the Run has never got a place, and so has never made
// anything.
func (f *Facts) placeless() bool {
	c := f.Run.Status.Concurrency
	return f.queued() && !f.Place.Released || (f.Place == nil && c != nil && !c.Admitted)
}

// PartOf returns the name, within the Pipeline, of the job, service or notifier
// that a Job or a pod belongs to. A notifier may have the name of another part.
func PartOf(obj metav1.Object) string {
	labels := obj.GetLabels()
	return cmp.Or(labels[v1alpha1.JobLabel], labels[v1alpha1.ServiceLabel], labels[v1alpha1.NotifierLabel])
}

// podsOf returns the pods that this Job made. One of a Job that had the same name
// before is none of them. Pods are large, and each decision asks for those of all
// Jobs: mostly they are all there are, which are not copied.
func (f *Facts) podsOf(job *batchv1.Job) []corev1.Pod {
	pods := f.Pods[PartOf(job)]
	var others int
	for i := range pods {
		if !metav1.IsControlledBy(&pods[i], job) {
			others++
		}
	}
	if others == 0 {
		return slices.Clip(pods)
	}
	owned := make([]corev1.Pod, 0, len(pods)-others)
	for i := range pods {
		if metav1.IsControlledBy(&pods[i], job) {
			owned = append(owned, pods[i])
		}
	}
	return owned
}

func (f *Facts) timestamp() *metav1.Time {
	return &metav1.Time{Time: f.Now.Truncate(time.Second)}
}

// rests reports whether nothing of the Run's jobs runs, or can any more.
func (f *Facts) rests() bool {
	for _, job := range f.Jobs {
		if !evidence.Finished(job) || evidence.Running(f.podsOf(job)) {
			return false
		}
	}
	return true
}
