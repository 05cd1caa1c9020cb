package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ApproveVerb is what RBAC must grant on runs for `approvals` to be written: a
// verb of no request of its own.
const ApproveVerb = "approve"

// JobApproval has a job wait for a person.
type JobApproval struct {
	// Message says what is to be decided: "Deploy to production?"
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`

	// Timeout is how long the job waits for an answer, from when it began to. At least
	// 1s. After that it has failed with the reason ApprovalExpired. Default: it waits
	// as long as the Run lasts.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s')",message="timeout must be at least 1s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`
}

// Approval answers a job of the Run that waits for one: it may start, or, if the
// approval is refused, has failed.
//
// +kubebuilder:validation:XValidation:rule="(has(self.refused) && self.refused) == (has(oldSelf.refused) && oldSelf.refused) && has(self.message) == has(oldSelf.message) && (!has(self.message) || self.message == oldSelf.message)",message="an approval or refusal can't be changed"
// +kubebuilder:validation:XValidation:rule="has(self.by) == has(oldSelf.by) && (!has(self.by) || self.by == oldSelf.by) && has(self.time) == has(oldSelf.time) && (!has(self.time) || self.time == oldSelf.time)",message="an approval can't be changed"
type Approval struct {
	// Job that is answered: one that has an `approval` in the Pipeline.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Job string `json:"job"`

	// Refused says no: when its turn comes, the job has failed with the reason
	// ApprovalRefused. Default: false.
	// +optional
	Refused bool `json:"refused,omitempty"`

	// Message says why, for people to read. The job's own has that of a refusal.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`

	// By is the user who approved or refused. Leave it out: the admission webhook sets it,
	// whatever is written here. Without that webhook nothing vouches for it.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	By string `json:"by,omitempty"`

	// Time of the answer, which the admission webhook sets, too.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}
