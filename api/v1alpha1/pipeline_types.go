package v1alpha1

import (
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PipelineSpec is what a Run of the Pipeline executes. A Run is pinned to a
// copy, so an edit is seen by later Runs only.
type PipelineSpec struct {
	// Params that a Run may carry. They reach containers as environment variables,
	// KAYCI_<NAME> in capitals, and nothing else.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name))",message="params must have different names"
	Params []Param `json:"params,omitempty"`

	// Jobs in a topological order: `needs` names earlier jobs only, and finally jobs
	// come last.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name))",message="jobs must have different names"
	Jobs []Job `json:"jobs"`

	// Services are pods that live as long as a Run, for its jobs to use.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name))",message="services must have different names"
	Services []Service `json:"services,omitempty"`

	// Workspace is one volume that the jobs of a Run share. Default: none.
	// +optional
	Workspace *Workspace `json:"workspace,omitempty"`

	// Concurrency bounds how many Runs of this Pipeline run at the same time.
	// Default: no bound.
	// +optional
	Concurrency *Concurrency `json:"concurrency,omitempty"`

	// MaxParallel is how many jobs of a Run may run at the same time: have a Job, also
	// one that waits in a queue, and have not ended. Others that could start wait, in
	// the order of the list, with the reason AwaitingTurn. Default: no bound.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxParallel *int32 `json:"maxParallel,omitempty"`

	// FailFast ends a Run with the first failure of a job that counts: what runs is
	// stopped, and nothing more is started, whatever its `if` says. The jobs that had
	// not ended are Cancelled with the reason JobFailed. Default: false, jobs that
	// don't need the one that failed go on.
	// +optional
	FailFast bool `json:"failFast,omitempty"`

	// Timeout of a whole Run, from the creation of its first Job. At least 1s. At its
	// end the pods that run are stopped and stay with their logs, nothing more is
	// started, and the Run has failed with the reason TimedOut. Default: none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="timeout must be at least 1s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// FinallyTimeout of the finally jobs together, from when all other jobs have
	// ended. At least 1s. At its end those that run are stopped, no more are started,
	// and they have failed with the reason TimedOut. Default: 10m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="finallyTimeout must be at least 1s"
	FinallyTimeout *metav1.Duration `json:"finallyTimeout,omitempty"`

	// PendingTimeout is how long a job that is due may be unable to start: from its
	// pod's creation, or the end of its last init container, until all containers
	// have started; and while the Job or its pod can't be created. Then the job has
	// failed with the reason that kept it. The same holds for a service, until it is
	// ready. A suspended Job, or a pod with a
	// scheduling gate, waits in a queue, which doesn't count. At least 1s. Default: 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="pendingTimeout must be at least 1s"
	PendingTimeout *metav1.Duration `json:"pendingTimeout,omitempty"`

	// Retention says which finished Runs are kept. Default: the newest 10 that failed,
	// the newest 10 of the others, and all that finished within the last hour. `{}`
	// keeps all. Runs that have not finished always stay.
	// +optional
	// +kubebuilder:default={maxCount: 10, maxFailed: 10}
	Retention *Retention `json:"retention,omitempty"`

	// Notifiers are Jobs that tell of a Run's phase, apart from its jobs.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name))",message="notifiers must have different names"
	Notifiers []Notifier `json:"notifiers,omitempty"`
}

// Param is a named string that a Run carries. A Run with a value that isn't
// allowed fails before any of its jobs starts; a webhook that carries one is
// refused.
//
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.enum) || self.enum.size() == 0 || self.default in self.enum",message="default must be one of enum"
type Param struct {
	// Name: lower-case letters, digits and underscores, beginning with a letter.
	// It can't be one that KayCI sets itself: run, run_number, pipeline, namespace,
	// run_phase, run_message, failed_jobs, job, one that begins with output_,
	// service_ or notify_, or with job_ and ends with _phase.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['run', 'run_number', 'run_phase', 'run_message', 'failed_jobs', 'pipeline', 'namespace', 'job']) && !self.startsWith('output_') && !self.startsWith('service_') && !self.startsWith('notify_') && !self.matches('^job_.*_phase$')",message="this name is reserved: KayCI sets the environment variable of that name itself"
	Name string `json:"name"`

	// Description for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`

	// Default value. A parameter without one is required.
	// +optional
	// +kubebuilder:validation:MaxLength=32768
	Default *string `json:"default,omitempty"`

	// Enum lists the values that are allowed. Default: any value.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=1024
	Enum []string `json:"enum,omitempty"`

	// Pattern is a regular expression (RE2) that the whole value must match, as if
	// it stood between ^ and $. With its repetitions written out it has 2000 steps at
	// most, of which x{500} is 500. Default: any value.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Pattern string `json:"pattern,omitempty"`
}

// Job is one step of the graph: a batch/v1 Job that is created when all that
// it needs has ended and its condition holds.
type Job struct {
	// Name is a DNS label, unique in the Pipeline.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Needs names earlier jobs of the list that have to end before this one starts:
	// successfully, unless `if` says otherwise.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Needs []string `json:"needs,omitempty"`

	// If is a CEL expression that must be true for the job to start; otherwise it is
	// Skipped. It is evaluated when all jobs that this one needs, directly or by way
	// of others, have ended. success(): they have all succeeded; failure(): one has
	// failed; a failure that is allowed counts as success; always(): true. An expression that calls none of the three has
	// `success() &&` in front of it. Variables: `params`, whose values are strings;
	// `jobs`, with phase and outputs of those jobs; and `run`, with name, namespace,
	// pipeline, number, trigger, provider, repository, sha, ref, sender, pullRequest and
	// fork. A
	// cancelled Run starts nothing but finally jobs, whatever `if` says. Default:
	// success(), and always() for a finally job.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	If string `json:"if,omitempty"`

	// Finally has the job start when all jobs have ended that are no finally jobs,
	// however they have, also if the Run was cancelled, replaced or took too long. Only
	// finallyTimeout stops it. A Run that ends before anything of it has started
	// starts none. `needs` names finally jobs only, which have to end before;
	// `if` sees all other jobs and those. Default: false.
	// +optional
	Finally bool `json:"finally,omitempty"`

	// Approval has the job wait, when it could start, until somebody who may approve
	// Runs says yes or no in the Run's `approvals`. Default: it doesn't wait.
	// +optional
	Approval *JobApproval `json:"approval,omitempty"`

	// AllowFailure has the job's failure, for whatever reason, not count as one: jobs
	// behind it start as if it had succeeded, and the Run can succeed. The job itself
	// is Failed. Default: false.
	// +optional
	AllowFailure bool `json:"allowFailure,omitempty"`

	// Outputs that the job has to leave in a termination message. Without one of them,
	// or with text there that is no outputs, it has failed with the reason
	// InvalidOutputs. Only of a Job of one pod. Default: it may leave any, or none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Outputs []string `json:"outputs,omitempty"`

	// Timeout of one attempt, from its pod's start: time in a queue doesn't count.
	// At least 1s. The pod is stopped, and stays with its log. Default: none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="timeout must be at least 1s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// Template of the Job. KayCI keeps it and adds a name, labels, an owner, the
	// parameters, `restartPolicy: Never`, `backoffLimit: 0` unless given,
	// `podReplacementPolicy: Failed`, a rule that ignores disruptions, and
	// `automountServiceAccountToken: false` unless the template says otherwise or
	// names a service account. `kubectl explain job.spec` says more about each of
	// its fields.
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || (!has(self.metadata.name) && !has(self.metadata.namespace))",message="name and namespace are KayCI's to set: remove them from the template's metadata"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.ttlSecondsAfterFinished)",message="ttlSecondsAfterFinished is refused: a Job deleted early would be run again; use the Pipeline's retention"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.suspend)",message="suspend is refused: a job is created when it is ready"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.selector) && !has(self.spec.manualSelector)",message="selector is refused: Kubernetes sets it"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.template.spec.restartPolicy) || self.spec.template.spec.restartPolicy == 'Never'",message="restartPolicy must be Never: retries are the Job's, see backoffLimit"
	Template batchv1.JobTemplateSpec `json:"template"`
}

// Retention bounds the finished Runs of a Pipeline. A Run beyond one of the
// bounds is deleted, oldest first.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minAge) || !has(self.maxAge) || duration(self.minAge) <= duration(self.maxAge)",message="minAge must be at most maxAge"
type Retention struct {
	// MaxCount is the number of finished Runs to keep, without the failed ones if
	// maxFailed is set. Default: no bound.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxCount *int32 `json:"maxCount,omitempty"`

	// MaxFailed is the number of Runs in the phase Failed to keep, apart from the
	// others, so that neither push out the other. Default: they count towards
	// maxCount.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxFailed *int32 `json:"maxFailed,omitempty"`

	// MinAge is how long a Run is kept after it has finished though there are more
	// than maxCount or maxFailed, for people to see it. At most maxAge, if that is
	// set. `0s`: not at all. Default: 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s')",message="minAge must be at least 0s"
	MinAge *metav1.Duration `json:"minAge,omitempty"`

	// MaxAge is how long a Run is kept after it has finished. Default: no bound.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="maxAge must be more than 0s"
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`
}

// PipelineStatus is what a person asks first: is it valid, what runs, how did it go
// last.
type PipelineStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Ready is False when a Run of this Pipeline could not be started.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Revision is the name of the ControllerRevision that holds the current spec:
	// what a Run started now is pinned to.
	// +optional
	Revision string `json:"revision,omitempty"`

	// ActiveRuns are the newest Runs that are queued or running, newest first, at
	// most 10. A Run is listed within a few seconds.
	// +optional
	// +listType=map
	// +listMapKey=name
	ActiveRuns []ActiveRun `json:"activeRuns,omitempty"`

	// LastNumber is the highest number of a Run that is on record, which it is within
	// seconds of the Run's start. The Run may be deleted by now: the next one's number
	// is higher.
	// +optional
	LastNumber int64 `json:"lastNumber,omitempty"`

	// LastRun is the newest Run that has finished.
	// +optional
	LastRun *LastRun `json:"lastRun,omitempty"`
}

// ActiveRun names a Run that has not finished.
type ActiveRun struct {
	// Name of the Run.
	Name string `json:"name"`

	// Number of the Run, if it has one yet.
	// +optional
	Number int64 `json:"number,omitempty"`

	// Phase of the Run: Queued or Running.
	Phase RunPhase `json:"phase"`
}

// LastRun names a finished Run and how it ended.
type LastRun struct {
	// Name of the Run. It may have been deleted since.
	Name string `json:"name"`

	// Number of the Run, counted from 1 for each Pipeline.
	// +optional
	Number int64 `json:"number,omitempty"`

	// Phase that the Run ended in.
	Phase RunPhase `json:"phase"`

	// CompletionTime is when the Run ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// Pipeline is a graph of Jobs. Creating a Run executes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kayci,shortName=pl
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.activeRuns[0].name`
// +kubebuilder:printcolumn:name="Last run",type=string,JSONPath=`.status.lastRun.name`
// +kubebuilder:printcolumn:name="Number",type=integer,JSONPath=`.status.lastRun.number`
// +kubebuilder:printcolumn:name="Result",type=string,JSONPath=`.status.lastRun.phase`
// +kubebuilder:printcolumn:name="Finished",type=date,JSONPath=`.status.lastRun.completionTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 52 characters"
type Pipeline struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what a Run executes.
	Spec PipelineSpec `json:"spec"`
	// Status says whether the Pipeline can run and how it last did.
	// +optional
	Status PipelineStatus `json:"status,omitempty"`
}

// PipelineList is a list of Pipelines.
//
// +kubebuilder:object:root=true
type PipelineList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Pipeline `json:"items"`
}

// GetConditions lets Flux's condition and patch helpers read the conditions.
func (p *Pipeline) GetConditions() []metav1.Condition { return p.Status.Conditions }

// SetConditions lets Flux's condition and patch helpers write the conditions.
func (p *Pipeline) SetConditions(c []metav1.Condition) { p.Status.Conditions = c }
