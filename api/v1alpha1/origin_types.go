package v1alpha1

// Origin is where a Run came from.
type Origin struct {
	// Trigger that started the Run.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Trigger string `json:"trigger,omitempty"`

	// Provider of the webhook.
	// +optional
	Provider Provider `json:"provider,omitempty"`

	// Delivery identifies the event at its provider. The same one is one Run.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Delivery string `json:"delivery,omitempty"`

	// Digest of the request's body, as sha256:… in hexadecimal. The same delivery with
	// another body is refused, and starts nothing.
	// +optional
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`

	// Repository, as the provider names it: owner/name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Repository string `json:"repository,omitempty"`

	// SHA of the commit; of a pull request its head.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SHA string `json:"sha,omitempty"`

	// Ref that was pushed, refs/heads/main, or that the head of a pull request can be
	// fetched by.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Ref string `json:"ref,omitempty"`

	// Branch that was pushed. A pull request has none.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Branch string `json:"branch,omitempty"`

	// BaseBranch that the pull request was to be merged into, as its author chose.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	BaseBranch string `json:"baseBranch,omitempty"`

	// Tag that was pushed, or is a release's.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Tag string `json:"tag,omitempty"`

	// PullRequest is the number of the pull request that the event is about.
	// +optional
	// +kubebuilder:validation:Minimum=1
	PullRequest int64 `json:"pullRequest,omitempty"`

	// Fork says that the head of the pull request is in another repository.
	// +optional
	Fork bool `json:"fork,omitempty"`

	// Title of the commit, pull request or release. Runs of a poll, a schedule or an
	// object have none, nor an author.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Title string `json:"title,omitempty"`

	// Author of the pull request, release or commit. A commit's is what the commit
	// says: whoever can push may have written any name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Author string `json:"author,omitempty"`

	// URL of the page about what happened.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url,omitempty"`

	// Sender is the user that caused the event.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Sender string `json:"sender,omitempty"`

	// Run whose end has started this one. The rest, but for trigger, delivery and
	// depth, is that Run's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Run string `json:"run,omitempty"`

	// Depth is how many Runs have led to this one by their ends, one after the other.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Depth int32 `json:"depth,omitempty"`
}
