package v1alpha1

import "strings"

// Labels that KayCI puts on the objects it makes. Most values are object names:
// every kind's name is short enough to be one.
const (
	// ConfigRepoLabel is on every Pipeline and Trigger that a ConfigRepo applied.
	ConfigRepoLabel = "kayci.dev/configrepo"
	// TryLabel is on Pipelines that `kayci try` has made, until they are removed: the
	// name of the Pipeline that is tried.
	TryLabel = "kayci.dev/try"
	// PipelineLabel is on Runs, revisions, Jobs and pods.
	PipelineLabel = "kayci.dev/pipeline"
	// TriggerLabel is on Runs that a Trigger started.
	TriggerLabel = "kayci.dev/trigger"
	// RunLabel is on the Jobs, pods, Services, the ConfigMap and the claim of a Run.
	RunLabel = "kayci.dev/run"
	// JobLabel is on Jobs and pods: the job's name within its Pipeline.
	JobLabel = "kayci.dev/job"
	// ServiceLabel is on the Job and the pod of a service: its name within its
	// Pipeline. They have no JobLabel.
	ServiceLabel = "kayci.dev/service"
	// NotifierLabel is on the Jobs and pods of a notifier: its name within its
	// Pipeline. They have no JobLabel.
	NotifierLabel = "kayci.dev/notifier"
	// WorkspaceLabel is on pods that mount their Run's workspace. Its value is the
	// Run's name.
	WorkspaceLabel = "kayci.dev/workspace"
	// LockLabel is on the Jobs and pods of jobs and services of a Run that has a
	// concurrency key. Its value is a hash of what the Run competes for. What goes on
	// long after the Run's end loses it.
	LockLabel = "kayci.dev/lock"
	// RunUIDLabel is beside LockLabel: the Run's UID, since another Run may get its
	// name while they still run.
	RunUIDLabel = "kayci.dev/run-uid"
)

// InjectParamsAnnotation is an annotation of a job's pod template. It names the
// containers that get the Run's parameters, separated by commas. Blank means
// none; without the annotation every container and init container gets them.
const InjectParamsAnnotation = "kayci.dev/inject-params"

// MountWorkspaceAnnotation is an annotation of a job's pod template. It names
// the containers that the Run's workspace is mounted in, as
// InjectParamsAnnotation names those that get its parameters.
const MountWorkspaceAnnotation = "kayci.dev/mount-workspace"

// ExpandParamsAnnotation is an annotation of a job's pod template. It names the
// containers, separated by commas, in whose commands and arguments $(KAYCI_…) may
// stand, which Kubernetes expands: those whose programs take every argument as
// data and run none. Without it there are none.
const ExpandParamsAnnotation = "kayci.dev/expand-params"

// CompletionTimeField is a field of Runs that the API server selects by, and the
// controller's cache. It is blank for Runs that have not ended.
const CompletionTimeField = "status.completionTime"

// WorkspaceVolume is the name, within a pod, of the volume of its Run's
// workspace.
const WorkspaceVolume = "kayci-workspace"

// KeepContainer is the name, within a pod, of the native sidecar that keeps what the
// other containers leave, once they have ended. Its termination message is a JSON
// object: `error` says what couldn't be kept and goes on after "its program succeeded,
// but "; `tests` is what test reports say; `warnings` are sentences. Whoever writes the
// pipeline may forge it.
const KeepContainer = "kayci-keep"

// EveryContainer is, in the defaults of jobs, the name of a container that stands
// for all of a pod. No container can have it.
const EveryContainer = "*"

// CreatedVersionAnnotation is an annotation of a Run that was made by hand. The
// controller notes there the Run's resourceVersion before its own first change,
// which orders the Runs of one second.
const CreatedVersionAnnotation = "kayci.dev/created-version"

// RetryAnnotation is an annotation of a Run. Whatever its value, it asks for
// another Run that retries this one once it has failed or was cancelled. It is
// taken off when it has been answered.
const RetryAnnotation = "kayci.dev/retry"

// ReasonAnnotation is an annotation of a Run that a Trigger has started: why the
// event was taken, a sentence for people.
const ReasonAnnotation = "kayci.dev/reason"

// TokenKey is the key, in a Secret that a webhook's secretRef names, of what
// authenticates the sender.
const TokenKey = "token"

// OldTokenKey is the key, in the same Secret, of the token that TokenKey takes the
// place of: both count, so that a git host can be told of the new one in its own
// time.
const OldTokenKey = "token.old"

// FieldManager owns the fields that KayCI applies or patches.
const FieldManager = "kayci"

// Environment variables that KayCI sets in containers. A parameter `git_sha`
// arrives as KAYCI_GIT_SHA.
const (
	EnvPrefix    = "KAYCI_"
	EnvRun       = EnvPrefix + "RUN"
	EnvPipeline  = EnvPrefix + "PIPELINE"
	EnvNamespace = EnvPrefix + "NAMESPACE"
	EnvRunNumber = EnvPrefix + "RUN_NUMBER"
	EnvJob       = EnvPrefix + "JOB"
	// EnvOutputPrefix begins the names of the outputs of earlier jobs.
	EnvOutputPrefix = EnvPrefix + "OUTPUT_"
	// EnvServicePrefix begins the addresses of the Run's services.
	EnvServicePrefix = EnvPrefix + "SERVICE_"
	// EnvRunPhase, EnvRunMessage and EnvFailedJobs tell a notifier what became of
	// the Run: its phase, the message of its condition, and the names of failed
	// jobs, separated by commas. A finally job gets the phase that the Run comes to,
	// and what may start behind a failure the names of the jobs before it that failed.
	EnvRunPhase   = EnvPrefix + "RUN_PHASE"
	EnvRunMessage = EnvPrefix + "RUN_MESSAGE"
	EnvFailedJobs = EnvPrefix + "FAILED_JOBS"
	// EnvNotifyPrefix begins the names of what `kayci notify` reads for itself.
	EnvNotifyPrefix = EnvPrefix + "NOTIFY_"
)

// EnvJobPhase is the environment variable that tells a job what became of another
// before it: KAYCI_JOB_<NAME>_PHASE, in capitals and with an underscore for a dash.
func EnvJobPhase(job string) string {
	return EnvJob + "_" + strings.ToUpper(strings.ReplaceAll(job, "-", "_")) + "_PHASE"
}

// CheckoutFailed begins the termination message of a `kayci checkout` that has failed.
// What follows is part of the reason that a Run shows.
const CheckoutFailed = "kayci checkout: "
