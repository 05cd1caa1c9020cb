package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RunSpec says what to run. Everything is fixed once set; only `cancelled` and
// `approvals` come later. A Run with retryOf may leave out what it takes from
// that Run: it is set when the Run is first seen.
//
// +kubebuilder:validation:XValidation:rule="self.pipeline == oldSelf.pipeline",message="pipeline can't be changed: create another Run"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.revision) || (has(self.revision) && self.revision == oldSelf.revision)",message="revision can't be changed: create another Run"
// +kubebuilder:validation:XValidation:rule="has(self.retryOf) == has(oldSelf.retryOf) && (!has(self.retryOf) || self.retryOf == oldSelf.retryOf)",message="retryOf can't be changed: create another Run"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.cancelled) || !oldSelf.cancelled || (has(self.cancelled) && self.cancelled)",message="a cancelled Run can't be resumed: create another Run"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.approvals) || oldSelf.approvals.size() == 0 || (has(self.approvals) && oldSelf.approvals.all(o, self.approvals.exists(n, n.job == o.job)))",message="an approval can't be taken back: list the earlier ones, too, or cancel the Run"
type RunSpec struct {
	// Pipeline of the same namespace to run. One that doesn't exist yet is waited
	// for, for 10 minutes from the Run's creation.
	// +kubebuilder:validation:MaxLength=52
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Pipeline string `json:"pipeline"`

	// Revision is the ControllerRevision that holds the copy of the Pipeline's spec
	// that this Run executes. Leave it out: it is set to the current one when the
	// Run is first seen.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`
	Revision string `json:"revision,omitempty"`

	// Params by name. The Pipeline says which there are and which are required.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Params map[string]string `json:"params,omitempty"`

	// Origin is the event that started the Run. It is information for people.
	// +optional
	Origin *Origin `json:"origin,omitempty"`

	// RetryOf names a Run of the same Pipeline that has failed or was cancelled. This
	// Run takes its revision, parameters and origin, and of its jobs those that
	// succeeded and need none that didn't: they don't run again, and their outputs
	// are given to the jobs that do. With a workspace all jobs run. Revision and
	// params are best left out; given ones must be the same.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	RetryOf string `json:"retryOf,omitempty"`

	// Cancelled stops the Run: running pods are stopped and stay with their logs,
	// waiting jobs don't start. It can't be taken back.
	// +optional
	Cancelled bool `json:"cancelled,omitempty"`

	// Approvals of jobs that wait for one, and refusals. Writing them takes the verb
	// `approve` on runs. None can be taken back. While the admission webhook is on, a list adds to
	// the earlier ones even if it leaves them out.
	// +optional
	// +listType=map
	// +listMapKey=job
	// +kubebuilder:validation:MaxItems=256
	Approvals []Approval `json:"approvals,omitempty"`
}

// RunPhase is where a Run stands.
// +kubebuilder:validation:Enum=Queued;Running;Succeeded;Failed;Cancelled
type RunPhase string

// The phases of a Run. The last three are final.
const (
	RunQueued    RunPhase = "Queued"
	RunRunning   RunPhase = "Running"
	RunSucceeded RunPhase = "Succeeded"
	RunFailed    RunPhase = "Failed"
	RunCancelled RunPhase = "Cancelled"
)

// Finished reports whether the phase is final.
func (p RunPhase) Finished() bool {
	return p == RunSucceeded || p == RunFailed || p == RunCancelled
}

// JobPhase is where a job of a Run stands.
// +kubebuilder:validation:Enum=Waiting;Running;Succeeded;Failed;Skipped;Cancelled
type JobPhase string

// The phases of a job. The last four are final.
const (
	JobWaiting   JobPhase = "Waiting"
	JobRunning   JobPhase = "Running"
	JobSucceeded JobPhase = "Succeeded"
	JobFailed    JobPhase = "Failed"
	JobSkipped   JobPhase = "Skipped"
	JobCancelled JobPhase = "Cancelled"
)

// Finished reports whether the phase is final.
func (p JobPhase) Finished() bool {
	return p == JobSucceeded || p == JobFailed || p == JobSkipped || p == JobCancelled
}

// SucceededCondition is the condition of every Run: True when it has
// succeeded, False when it has failed or was cancelled, Unknown before.
const SucceededCondition = "Succeeded"

// StoredCondition is a condition of a Run that has ended, where a store is installed:
// True when its record is kept and its logs are, as far as they can be. The Run isn't
// deleted before that by retention, for some minutes.
const StoredCondition = "Stored"

// RunStatus is where the Run stands. Once its phase is final it isn't written
// again, but for what becomes of the notifiers, of the report and of the store.
type RunStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Phase: Queued, Running, Succeeded, Failed or Cancelled.
	// +optional
	Phase RunPhase `json:"phase,omitempty"`

	// Number counts the Runs of a Pipeline from 1; one may be left out. No two Runs
	// that exist have the same one, and a new one is above the Pipeline's
	// status.lastNumber.
	// +optional
	Number int64 `json:"number,omitempty"`

	// CreatedVersion is the resourceVersion that the Run was created with, as far as
	// is known. It orders the Runs of one second.
	// +optional
	CreatedVersion string `json:"createdVersion,omitempty"`

	// Conditions: Succeeded, with a reason and a message that says what to do. And of a
	// Run that has ended and whose Trigger has a report, Reported: whether the git host
	// has taken its last state. And where a store is installed, Stored: whether what is
	// left of the Run is kept beyond its deletion.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// StartTime is when the first Job of this Run was created, a service's or a
	// job's.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// FinallyStartTime is when all jobs but the finally jobs had ended. How the Run
	// ends was decided then, unless a finally job fails.
	// +optional
	FinallyStartTime *metav1.Time `json:"finallyStartTime,omitempty"`

	// CompletionTime is when the last job was seen to have ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// Concurrency is where the Run stands among those of its concurrency key. A Run
	// whose Pipeline bounds nothing has none.
	// +optional
	Concurrency *ConcurrencyStatus `json:"concurrency,omitempty"`

	// Jobs in the order of the Pipeline.
	// +optional
	// +listType=map
	// +listMapKey=name
	Jobs []JobStatus `json:"jobs,omitempty"`

	// Services in the order of the Pipeline.
	// +optional
	// +listType=map
	// +listMapKey=name
	Services []ServiceStatus `json:"services,omitempty"`

	// Workspace, of a Run that has ended and whose workspace isn't retained: Deleting
	// until the last of its pods has ended, and then Deleted. Blank: there is none, or
	// it stays with the Run.
	// +optional
	Workspace WorkspaceState `json:"workspace,omitempty"`

	// Renamed are the parts of the Run whose object has a hash at the end of its name,
	// because something that isn't the Run's had the usual one: `Job/<job or service>`,
	// `Service/<service>` and `Notifier/<notifier>-<phase>`. It is recorded before the
	// object is made.
	// +optional
	// +listType=set
	Renamed []string `json:"renamed,omitempty"`

	// Notifiers, one entry for each phase that they have told of.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +listMapKey=phase
	Notifiers []NotifierStatus `json:"notifiers,omitempty"`
}

// JobStatus is where one job of the Run stands.
type JobStatus struct {
	// Name of the job in the Pipeline.
	Name string `json:"name"`

	// Phase: Waiting, Running, Succeeded, Failed, Skipped or Cancelled.
	Phase JobPhase `json:"phase"`

	// Reason, in one word, for the phase: what a waiting job waits for, what keeps
	// a pod from starting, why a job failed.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Message is the reason in a sentence.
	// +optional
	Message string `json:"message,omitempty"`

	// FailureAllowed is true of a job that has Failed and whose failure doesn't count,
	// as its Pipeline's allowFailure says.
	// +optional
	FailureAllowed bool `json:"failureAllowed,omitempty"`

	// WaitingSince is when what the reason says began to keep the job from going on.
	// Without a reason: when its Job was last found to be resumed, or to have made the
	// pod that it couldn't make. That stays while the job runs.
	// +optional
	WaitingSince *metav1.Time `json:"waitingSince,omitempty"`

	// StoppingSince is when the job's pods were told to stop because the Run ends. If
	// a node doesn't say that they have, the job ends two minutes after their grace
	// period, and this stays.
	// +optional
	StoppingSince *metav1.Time `json:"stoppingSince,omitempty"`

	// Job is the name of the batch/v1 Job, once it has been created.
	// +optional
	Job string `json:"job,omitempty"`

	// Attempts is how many pods the job has had, if more than one: a pod is replaced
	// when its program has failed and the template's backoffLimit leaves a retry, and
	// when it was disrupted. Of a Job of one pod.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`

	// Disruptions is how many of those pods were evicted, preempted or lost with
	// their node, which costs no retry.
	// +optional
	Disruptions int32 `json:"disruptions,omitempty"`

	// LastDisruptionTime is when the last of those was told to end.
	// +optional
	LastDisruptionTime *metav1.Time `json:"lastDisruptionTime,omitempty"`

	// ReusedFrom is the earlier Run that this job ran and succeeded in: Job and the
	// times are that Run's. Blank for a job that runs in this one.
	// +optional
	ReusedFrom string `json:"reusedFrom,omitempty"`

	// QueuedTime is when the job was due: its Job was created, or could first not be.
	// From here to scheduledTime it waits, to startTime its images are pulled, and to
	// completionTime it runs. These times come with the next change of the Run's status,
	// at the latest with the job's end. Blank in a Run of an older version, whose
	// startTime is when the Job was created.
	// +optional
	QueuedTime *metav1.Time `json:"queuedTime,omitempty"`

	// ScheduledTime is when the job's newest pod got a node; of a Job of several pods,
	// when the first of them did.
	// +optional
	ScheduledTime *metav1.Time `json:"scheduledTime,omitempty"`

	// StartTime is when the first container of that pod started, init containers
	// included. Blank if none has.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// ApprovedBy is the user who let the job start. Blank if it asks for no approval,
	// or if no admission webhook vouches for who that was.
	// +optional
	ApprovedBy string `json:"approvedBy,omitempty"`

	// ApprovedAt is when that user did.
	// +optional
	ApprovedAt *metav1.Time `json:"approvedAt,omitempty"`

	// CompletionTime is when the job's containers ended; for a failed or cancelled
	// job, when its Job did.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// Outputs that the job has left for later ones, also if it has failed or was
	// stopped. They read them as KAYCI_OUTPUT_<JOB>_<NAME>. Whoever can read the Run
	// can read them: they are no place for a secret.
	// +optional
	Outputs map[string]string `json:"outputs,omitempty"`

	// Tests is what the job's test reports say, also if it has failed. Of a Job of one
	// pod, whose newest pod it is about.
	// +optional
	Tests *TestSummary `json:"tests,omitempty"`

	// Warnings are about what the job was to keep, and changed nothing of its end: a
	// report that can't be read, for one. 10 at most, of 256 bytes each.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=10
	Warnings []string `json:"warnings,omitempty"`
}

// HasFailed reports whether the job has failed and that counts.
func (s *JobStatus) HasFailed() bool { return s.Phase == JobFailed && !s.FailureAllowed }

// HasPassed reports whether jobs behind this one may start as if it had
// succeeded.
func (s *JobStatus) HasPassed() bool {
	return s.Phase == JobSucceeded || s.Phase == JobFailed && s.FailureAllowed
}

// Run is one execution of a Pipeline.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:selectablefield:JSONPath=`.status.completionTime`
// +kubebuilder:resource:categories=kayci,shortName=kr
// +kubebuilder:printcolumn:name="Pipeline",type=string,JSONPath=`.spec.pipeline`
// +kubebuilder:printcolumn:name="Number",type=integer,JSONPath=`.status.number`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Position",type=integer,JSONPath=`.status.concurrency.position`
// +kubebuilder:printcolumn:name="Started",type=date,JSONPath=`.status.startTime`
// +kubebuilder:printcolumn:name="Finished",type=date,JSONPath=`.status.completionTime`
// +kubebuilder:printcolumn:name="Trigger",type=string,JSONPath=`.spec.origin.trigger`,priority=1
// +kubebuilder:printcolumn:name="Ref",type=string,JSONPath=`.spec.origin.ref`,priority=1
// +kubebuilder:printcolumn:name="SHA",type=string,JSONPath=`.spec.origin.sha`,priority=1
// +kubebuilder:printcolumn:name="Author",type=string,JSONPath=`.spec.origin.author`,priority=1
// +kubebuilder:printcolumn:name="RetryOf",type=string,JSONPath=`.spec.retryOf`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Succeeded")].message`
// +kubebuilder:printcolumn:name="Title",type=string,JSONPath=`.spec.origin.title`,priority=1
// +kubebuilder:validation:XValidation:rule="(has(self.spec.params) ? has(oldSelf.spec.params) && self.spec.params == oldSelf.spec.params : !has(oldSelf.spec.params)) || (has(self.spec.retryOf) && !has(oldSelf.spec.params) && !(has(oldSelf.status) && has(oldSelf.status.phase)))",message="params can't be changed: create another Run",fieldPath=".spec.params"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.origin) ? has(oldSelf.spec.origin) && self.spec.origin == oldSelf.spec.origin : !has(oldSelf.spec.origin)) || (has(self.spec.retryOf) && !has(oldSelf.spec.origin) && !(has(oldSelf.status) && has(oldSelf.status.phase)))",message="origin can't be changed",fieldPath=".spec.origin"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 63 characters"
type Run struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what to run.
	Spec RunSpec `json:"spec"`
	// Status says how it goes.
	// +optional
	Status RunStatus `json:"status,omitempty"`
}

// RunList is a list of Runs.
//
// +kubebuilder:object:root=true
type RunList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Run `json:"items"`
}

// GetConditions lets Flux's condition and patch helpers read the conditions.
func (r *Run) GetConditions() []metav1.Condition { return r.Status.Conditions }

// SetConditions lets Flux's condition and patch helpers write the conditions.
func (r *Run) SetConditions(c []metav1.Condition) { r.Status.Conditions = c }
