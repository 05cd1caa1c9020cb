package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ForkPolicy says what becomes of a pull request whose head is in another repository.
// +kubebuilder:validation:Enum=Ignore;RequireApproval;Run
type ForkPolicy string

// The policies.
const (
	// ForksIgnore: it starts nothing.
	ForksIgnore ForkPolicy = "Ignore"
	// ForksRequireApproval: each of its heads is held until somebody who may write to
	// the repository lets it in.
	ForksRequireApproval ForkPolicy = "RequireApproval"
	// ForksRun: it is like any other.
	ForksRun ForkPolicy = "Run"
)

// ForkPolicies are all of them.
func ForkPolicies() []ForkPolicy {
	return []ForkPolicy{ForksIgnore, ForksRequireApproval, ForksRun}
}

// OkToTest is the label, and the command of a comment, that lets a held head in.
const OkToTest = "ok-to-test"

// MaxHeld is how many held heads a Trigger's status keeps.
const MaxHeld = 100

// HeldHead is the head of a fork's pull request, which runs nothing until it is let in.
type HeldHead struct {
	// Repository that the pull request is for.
	// +kubebuilder:validation:MaxLength=1024
	Repository string `json:"repository"`

	// PullRequest is its number.
	// +kubebuilder:validation:Minimum=1
	PullRequest int64 `json:"pullRequest"`

	// SHA of the head.
	// +kubebuilder:validation:MaxLength=64
	SHA string `json:"sha"`

	// Author of the pull request.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Author string `json:"author,omitempty"`

	// Title of the pull request.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Title string `json:"title,omitempty"`

	// URL of its page.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// Since when the head is held.
	Since metav1.Time `json:"since"`
}
