package v1alpha1

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
)

// Notifier is a Job that tells somebody what became of a Run. It is made once for
// each of the phases that the Run comes to, also of a Run that was cancelled or
// failed before a job started. How it ends is shown, and changes nothing.
type Notifier struct {
	// Name is a DNS label, unique among the notifiers. The Job of each phase is
	// named `<run>-<name>-<phase>`, in lower case, and no job may have that name.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Phases to tell of: Queued, Running, Succeeded, Failed, Cancelled. A Run is
	// Queued only if its first job has to wait for something.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Phases []RunPhase `json:"phases"`

	// Template of the Job, with the same fields as the template of a job, and
	// completed in the same way; but no workspace is mounted, and unless
	// activeDeadlineSeconds of the pod or the Job say otherwise, a pod is stopped 10
	// minutes after its start and the Job 20 minutes later. Beside the parameters its
	// containers get KAYCI_RUN_PHASE, KAYCI_RUN_MESSAGE and KAYCI_FAILED_JOBS, which
	// is what `kayci notify` reads.
	// +kubebuilder:validation:XValidation:rule="!has(self.metadata) || (!has(self.metadata.name) && !has(self.metadata.namespace))",message="name and namespace are KayCI's to set: remove them from the template's metadata"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.ttlSecondsAfterFinished) && !has(self.spec.suspend) && !has(self.spec.selector) && !has(self.spec.manualSelector)",message="ttlSecondsAfterFinished, suspend and selector are refused: the Job is made when it is to run and goes with its Run, and Kubernetes selects its pods"
	// +kubebuilder:validation:XValidation:rule="!has(self.spec.template.spec.restartPolicy) || self.spec.template.spec.restartPolicy == 'Never'",message="restartPolicy must be Never: retries are the Job's, see backoffLimit"
	Template batchv1.JobTemplateSpec `json:"template"`
}

// JobName returns the part of the Job's name that is not the Run's, as a job's
// name is of its own: no job may have it.
func (n *Notifier) JobName(phase RunPhase) string {
	return n.Name + "-" + strings.ToLower(string(phase))
}

// NotifierStatus is what became of one notifier at one phase of the Run.
type NotifierStatus struct {
	// Name of the notifier in the Pipeline.
	Name string `json:"name"`

	// Phase of the Run that it tells of.
	Phase RunPhase `json:"phase"`

	// Job is the name of the batch/v1 Job, once it has been created.
	// +optional
	Job string `json:"job,omitempty"`

	// Reason, in one word, why the Job could not be created or has failed. Blank for
	// one that runs or has succeeded.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Message is the reason in a sentence.
	// +optional
	Message string `json:"message,omitempty"`
}
