package v1alpha1

import (
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultPollInterval is the interval of a poll that gives none.
const DefaultPollInterval = time.Minute

// Poll starts Runs when branches or tags of a repository have moved, by looking: for
// git hosts that can't send requests to KayCI.
type Poll struct {
	// URL of the git repository: https, http, ssh or git, as a ConfigRepo has it.
	// Credentials belong in the Secret that secretRef names.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|ssh|git)://[^/?#]+')",message="url must begin with https://, http://, ssh:// or git:// and name a host",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/?#]*:[^/?#]*@')",message="url must not hold a password; put credentials in a Secret and name it in secretRef",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(https?|git)://[^/?#:]*@')",message="url must not hold a user name, which may be a token; remove what stands before the @, and put credentials in a Secret that secretRef names",reason=FieldValueForbidden
	URL string `json:"url"`

	// SecretRef names a Secret of the same namespace with the credentials: its keys are
	// those of a ConfigRepo's.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// ProxySecretRef names a Secret of the same namespace with the HTTP proxy to go by:
	// its keys are those of a ConfigRepo's. Default: the proxy of the controller's
	// environment, if it has one.
	// +optional
	ProxySecretRef *meta.LocalObjectReference `json:"proxySecretRef,omitempty"`

	// Interval is how long after a look the next one comes, to which up to a tenth is
	// added. A look that has failed is repeated later and later. At least 30s. Default: 1m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('30s')",message="interval must be at least 30s"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// Branches that are followed: names or globs, where `*` stops at a slash and `**`
	// doesn't; there are no alternatives in braces. Default: the branch that the
	// repository's HEAD names, or none where tags are given.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Branches []string `json:"branches,omitempty"`

	// Tags that are followed: names or globs, as branches has them. Default: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Tags []string `json:"tags,omitempty"`
}

// PollStatus is what is known of the repository that is looked at.
type PollStatus struct {
	// URL of the repository that the heads are of. Blank until the first look has
	// succeeded.
	// +optional
	URL string `json:"url,omitempty"`

	// Branches and Tags are those of the spec that the heads were chosen by.
	// +optional
	// +listType=atomic
	Branches []string `json:"branches,omitempty"`
	// +optional
	// +listType=atomic
	Tags []string `json:"tags,omitempty"`

	// Heads that are known: branches by name, then tags, the highest version first. At
	// most 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Heads []PollHead `json:"heads,omitempty"`

	// More is how many branches and tags match beyond those 100: they are not followed.
	// +optional
	More int32 `json:"more,omitempty"`

	// Suspended says that the Trigger was last seen suspended: the first look after that
	// starts nothing.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Failure is why the last look has failed.
	// +optional
	Failure *PollFailure `json:"failure,omitempty"`
}

// PollHead is a branch or tag and the commit that it leads to.
type PollHead struct {
	// Ref in full: refs/heads/main.
	Ref string `json:"ref"`
	// SHA of the commit.
	SHA string `json:"sha"`
}

// PollFailure is why a look at a repository has failed.
type PollFailure struct {
	// Reason in one word.
	Reason string `json:"reason"`
	// Message says what went wrong.
	Message string `json:"message"`
}
