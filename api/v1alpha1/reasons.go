package v1alpha1

// Reasons of conditions and of the parts of a status. Objects also carry those of
// Flux's meta package, and those that Kubernetes gives for pods, containers and Jobs.

// Reasons that kinds share.
const (
	// ReasonSucceeded: the sync, or every job of the Run, succeeded.
	ReasonSucceeded = "Succeeded"
	// ReasonInvalidSpec: the object breaks a rule that its schema can't say.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonSuspended: the object's spec.suspend is true.
	ReasonSuspended = "Suspended"
	// ReasonInvalidJobDefaults: the ConfigMap with defaults for jobs is missing,
	// breaks a rule, or can't stand beside what the Pipeline says.
	ReasonInvalidJobDefaults = "InvalidJobDefaults"
)

// Reasons of a Run that has not ended.
const (
	// ReasonQueued: no job has started, or the Run waits for others.
	ReasonQueued = "Queued"
	// ReasonRunning: at least one job has started and the Run has not ended.
	ReasonRunning = "Running"
	// ReasonStoppingServices is of a Run whose jobs have all ended.
	ReasonStoppingServices = "StoppingServices"
	// ReasonCancelling: running pods are being stopped.
	ReasonCancelling = "Cancelling"
	// ReasonTimingOut is the reason of a Run whose pods are being stopped because it
	// took too long.
	ReasonTimingOut = "TimingOut"
	// ReasonReplacing is the reason of a Run whose jobs are being stopped, because a
	// newer one is to take its place.
	ReasonReplacing = "Replacing"
)

// Reasons of a Run that has ended, and of jobs that ended with it.
const (
	// ReasonJobFailed: a job failed, and so the Run has.
	ReasonJobFailed = "JobFailed"
	// ReasonServiceFailed: a service ended before the Run, and so the Run has.
	ReasonServiceFailed = "ServiceFailed"
	// ReasonCancelled: the Run or job was cancelled by spec.cancelled.
	ReasonCancelled = "Cancelled"
	// ReasonTimedOut: the Run took longer than its Pipeline's timeout, or a job than
	// its own.
	ReasonTimedOut = "TimedOut"
	// ReasonReplaced: the Run was cancelled for a newer one of its concurrency key.
	ReasonReplaced = "Replaced"
	// ReasonSkipped: the Run was cancelled because others of its concurrency key had
	// taken the places.
	ReasonSkipped = "Skipped"
	// ReasonPipelineNotFound: the named Pipeline does not exist.
	ReasonPipelineNotFound = "PipelineNotFound"
	// ReasonRevisionNotFound: the pinned revision does not exist any more.
	ReasonRevisionNotFound = "RevisionNotFound"
	// ReasonInvalidParameters: a parameter is missing, unknown or not allowed.
	ReasonInvalidParameters = "InvalidParameters"
	// ReasonInvalidRetry: the Run named by retryOf can't be retried by this one.
	ReasonInvalidRetry = "InvalidRetry"
	// ReasonInvalidConcurrencyKey: the expression of the concurrency key failed.
	ReasonInvalidConcurrencyKey = "InvalidConcurrencyKey"
)

// Reasons of jobs and services that wait to start.
const (
	// ReasonAwaitingNeeds: jobs that this one needs have not all ended yet.
	ReasonAwaitingNeeds = "AwaitingNeeds"
	// ReasonAwaitingApproval is of a job that could start, and waits for somebody to
	// say yes.
	ReasonAwaitingApproval = "AwaitingApproval"
	// ReasonAwaitingServices: the Run's services are not all ready.
	ReasonAwaitingServices = "AwaitingServices"
	// ReasonAwaitingTurn is of a job that could start, and waits for others to end.
	ReasonAwaitingTurn = "AwaitingTurn"
	// ReasonQuotaExceeded: a ResourceQuota of the namespace has no room now.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonCreateError: the API server can't create the Job now, for a reason that
	// doesn't lie in the Job: somebody's admission webhook fails, it is overloaded.
	ReasonCreateError = "CreateError"
	// ReasonNameConflict: an object that isn't the Run's has the Job's name.
	ReasonNameConflict = "NameConflict"
	// ReasonNotTakenUp: no controller has begun with the Job.
	ReasonNotTakenUp = "NotTakenUp"
	// ReasonFailedCreate, also of the Job controller's events: it can't create the
	// pod.
	ReasonFailedCreate = "FailedCreate"
	// ReasonAwaitingPod: the Job controller doesn't say why there is none.
	ReasonAwaitingPod = "AwaitingPod"
	// ReasonWorkspacePending is of a job whose pod waits because the claim of the
	// Run's workspace has no volume.
	ReasonWorkspacePending = "WorkspacePending"
	// ReasonNodeSilent is of a job whose pod should have started or ended by now, and
	// whose node doesn't say so. As long as the pod may run, no other takes its place.
	ReasonNodeSilent = "NodeSilent"
)

// Reasons of jobs and services that have ended without success.
const (
	// ReasonNeedsFailed: a job that this one needs, directly or by way of others,
	// failed or was cancelled.
	ReasonNeedsFailed = "NeedsFailed"
	// ReasonNeedsSkipped: a job that this one needs, directly or by way of others,
	// was skipped by its condition.
	ReasonNeedsSkipped = "NeedsSkipped"
	// ReasonConditionFalse: the job's condition is false.
	ReasonConditionFalse = "ConditionFalse"
	// ReasonInvalidCondition: the job's condition can't be evaluated.
	ReasonInvalidCondition = "InvalidCondition"
	// ReasonApprovalRefused is of a job that somebody said no to.
	ReasonApprovalRefused = "ApprovalRefused"
	// ReasonApprovalExpired is of a job that nobody answered in time.
	ReasonApprovalExpired = "ApprovalExpired"
	// ReasonRejected: the API server doesn't accept the Job.
	ReasonRejected = "Rejected"
	// ReasonNotStarted is of a job whose pod hasn't started for the whole of the
	// pendingTimeout, without anything that says why.
	ReasonNotStarted = "NotStarted"
	// ReasonNotReady is of a service that runs and is not ready for the whole of the
	// pendingTimeout.
	ReasonNotReady = "NotReady"
	// ReasonError: a container ended with a code other than 0.
	ReasonError = "Error"
	// ReasonOOMKilled: a container used more memory than it may.
	ReasonOOMKilled = "OOMKilled"
	// ReasonCompleted is of a service whose program ended by itself, with code 0.
	ReasonCompleted = "Completed"
	// ReasonDisrupted is of a job whose pod was evicted or the like. While it runs:
	// the pod is being replaced. When it has failed: the program answered by ending
	// with 0, which Kubernetes takes for success and doesn't retry, or a rule of the
	// template takes it for a failure.
	ReasonDisrupted = "Disrupted"
	// ReasonPodDeleted: somebody deleted the pod before it had ended.
	ReasonPodDeleted = "PodDeleted"
	// ReasonJobDeleted: the Job was deleted before it had ended.
	ReasonJobDeleted = "JobDeleted"
	// ReasonInvalidOutputs: a container's termination message is meant as outputs, and
	// is no JSON object of strings; or the job has not left what it declares.
	ReasonInvalidOutputs = "InvalidOutputs"
	// ReasonOutputsTooLarge: the kubelet has cut a termination message, or the Run
	// has no room for the job's outputs.
	ReasonOutputsTooLarge = "OutputsTooLarge"
	// ReasonArtifactsFailed is of a job whose program has succeeded, and of which
	// something that was to be kept could not be.
	ReasonArtifactsFailed = "ArtifactsFailed"
)

// Reasons of events about Runs.
const (
	// ReasonNotifierFailed is of the event that says that a notifier has failed.
	ReasonNotifierFailed = "NotifierFailed"
	// ReasonRetried: another Run retries this one.
	ReasonRetried = "Retried"
	// ReasonNothingToRetry: the Run has succeeded.
	ReasonNothingToRetry = "NothingToRetry"
	// ReasonRetryRefused: the Run that was to retry this one can't be made.
	ReasonRetryRefused = "RetryRefused"
)

// ReasonSecretNotFound is of what asks a git server: a Secret that it names for that
// doesn't exist.
const ReasonSecretNotFound = "SecretNotFound"

// ReasonValid is of a Pipeline of which Runs can be started.
const ReasonValid = "Valid"

// Reasons of Triggers.
const (
	// ReasonReceiving: events that match start Runs.
	ReasonReceiving = "Receiving"
	// ReasonSecretNotUsable: the Secret is missing, may not be read, or has no token,
	// so no request can be authentic.
	ReasonSecretNotUsable = "SecretNotUsable"
	// ReasonScheduled: Runs are started when their time has come.
	ReasonScheduled = "Scheduled"
	// ReasonFollowing: Runs are started when those of another Pipeline have ended.
	ReasonFollowing = "Following"
	// ReasonPipelineLoop: the Pipeline's Runs would lead to others of it without end.
	ReasonPipelineLoop = "PipelineLoop"
	// ReasonLooking: the first look at the repository, or at the objects, has yet to end.
	ReasonLooking = "Looking"
	// ReasonPolling: Runs are started when a look finds that something has moved.
	ReasonPolling = "Polling"
	// ReasonWatching: Runs are started when objects change.
	ReasonWatching = "Watching"
	// ReasonKindNotFound: the API server serves no such kind.
	ReasonKindNotFound = "KindNotFound"
	// ReasonKindNotNamespaced: objects of the kind live in no namespace.
	ReasonKindNotNamespaced = "KindNotNamespaced"
	// ReasonWatchFailed: the API server doesn't let the objects be watched.
	ReasonWatchFailed = "WatchFailed"
)

// Reasons of events about Triggers that no request has led to.
const (
	// ReasonCannotStart: the Run that is due can't be started.
	ReasonCannotStart = "CannotStart"
	// ReasonMissed: a time of the schedule has passed without a Run.
	ReasonMissed = "Missed"
	// ReasonTooDeep: as many Runs as may be have led to one another by their ends.
	ReasonTooDeep = "TooDeep"
)

// Reasons for which a git host's API doesn't do what it is asked.
const (
	// ReasonInvalidURL: the address isn't that of the host's API.
	ReasonInvalidURL = "InvalidURL"
	// ReasonAuthenticationFailed: the host doesn't take the credentials.
	ReasonAuthenticationFailed = "AuthenticationFailed"
	// ReasonForbidden: the credentials lack a permission.
	ReasonForbidden = "Forbidden"
	// ReasonNotFound: the host knows no such repository, commit or pull request, or
	// doesn't show it to these credentials.
	ReasonNotFound = "NotFound"
	// ReasonRefused: the host doesn't take the request as it is.
	ReasonRefused = "Refused"
	// ReasonRateLimited: the host was asked too often.
	ReasonRateLimited = "RateLimited"
)

// Reasons of the condition Reported, beside those of a git host's API.
const (
	// ReasonReported: the host has taken the Run's last state.
	ReasonReported = "Reported"
	// ReasonSuperseded: a newer Run of the commit and Trigger is what is reported.
	ReasonSuperseded = "Superseded"
	// ReasonHostUnavailable: the host can't be reached, or has a fault.
	ReasonHostUnavailable = "HostUnavailable"
)

// Reasons of the condition Stored.
const (
	// ReasonStored: the record and all logs are kept, whole as far as is known.
	ReasonStored = "Stored"
	// ReasonStoredInPart: the record is kept, and something is missing of a log.
	ReasonStoredInPart = "StoredInPart"
	// ReasonStoreUnavailable: the store's bucket doesn't take the record.
	ReasonStoreUnavailable = "StoreUnavailable"
)
