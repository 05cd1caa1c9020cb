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
}

// Approval lets a job of the Run start.
//
// +kubebuilder:validation:XValidation:rule="has(self.by) == has(oldSelf.by) && (!has(self.by) || self.by == oldSelf.by) && has(self.time) == has(oldSelf.time) && (!has(self.time) || self.time == oldSelf.time)",message="an approval can't be changed"
type Approval struct {
	// Job that is approved: one that has an `approval` in the Pipeline.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Job string `json:"job"`

	// By is the user who approved. Leave it out: the admission webhook sets it,
	// whatever is written here. Without that webhook nothing vouches for it.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	By string `json:"by,omitempty"`

	// Time of the approval, which the admission webhook sets, too.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`
}
