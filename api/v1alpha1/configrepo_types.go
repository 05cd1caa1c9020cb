package v1alpha1

import (
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ConfigRepoSpec says which commit of which repository is the source of a
// namespace's Pipelines and Triggers.
type ConfigRepoSpec struct {
	// URL of the git repository: https, http, ssh or git. It can't hold a
	// password, nor, but for ssh, a user name, which may be a token; credentials
	// belong in the Secret that secretRef names. What refuses it doesn't repeat it.
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^(https?|ssh|git)://[^/?#]+')",message="url must begin with https://, http://, ssh:// or git:// and name a host",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/?#]*:[^/?#]*@')",message="url must not hold a password; put credentials in a Secret and name it in secretRef",reason=FieldValueForbidden
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(https?|git)://[^/?#:]*@')",message="url must not hold a user name, which may be a token; remove what stands before the @, and put credentials in a Secret that secretRef names",reason=FieldValueForbidden
	URL string `json:"url"`

	// Ref is the branch, tag or commit to follow. Default: the branch that the
	// repository's HEAD names.
	// +optional
	Ref *GitRef `json:"ref,omitempty"`

	// Path is the folder of the entry files, relative to the repository's root.
	// Default: the root. Imports see the whole repository, but for what lies outside
	// of path and exceeds the controller's limits of a commit.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.split('/').exists(p, p == '..')",message="path must be relative and must not contain '..'"
	Path string `json:"path,omitempty"`

	// Ignore are globs of files and folders that are left alone, relative to the
	// repository's root: they are not evaluated, can't be imported and count towards
	// no limit. `*` is anything within a name, `**` any folders; no braces. At most 64.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:MinLength=1
	Ignore []string `json:"ignore,omitempty"`

	// Interval is how often to look for a new commit, and for objects that were
	// changed by hand, without being told. At least 10s.
	// +optional
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10s')",message="interval must be at least 10s"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// Timeout bounds one fetch, and one evaluation of the files. Default 1m. An
	// evaluation that takes longer than a few seconds may be stopped before that
	// while other ConfigRepos wait for theirs, and is tried again later.
	// +optional
	// +kubebuilder:default="1m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s') && duration(self) <= duration('30m')",message="timeout must be more than 0s and at most 30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// SecretRef names a Secret of the same namespace with the credentials. Keys,
	// as in Flux: `username` and `password`, or `bearerToken` (http, https);
	// `identity`, optionally its `password`, and `known_hosts` (ssh);
	// `ca.crt`, and `tls.crt` with `tls.key` for a client's certificate (https). A
	// Secret that was refused is looked at every 30 seconds, and used once it has
	// changed.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// Webhook lets the git host tell of a push, so that KayCI looks at once: send pushes
	// to status.webhookPath.
	// +optional
	Webhook *ConfigRepoWebhook `json:"webhook,omitempty"`

	// ProxySecretRef names a Secret of the same namespace with the HTTP proxy to go
	// by, for every scheme. Keys, as in Flux: `address`, as in
	// http://proxy.example.com:3128, and optionally `username` and `password`.
	// Default: the proxy of the controller's environment, if it has one.
	// +optional
	ProxySecretRef *meta.LocalObjectReference `json:"proxySecretRef,omitempty"`

	// Vars are given to the files as std.extVar(name), and by name as arguments
	// to an entry that is a function.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Vars map[string]string `json:"vars,omitempty"`

	// JobDefaults names a ConfigMap of the same namespace with defaults for the jobs,
	// services and notifiers of the Pipelines: its key `jobTemplate` is part of a Job's
	// template, as YAML, and is merged under theirs before they are applied. A change
	// of it is seen at the next look. Default: none, but the installation's.
	// +optional
	JobDefaults *meta.LocalObjectReference `json:"jobDefaults,omitempty"`

	// Prune deletes objects that the newest commit no longer renders. Default true.
	// A Pipeline waits for its Runs: see pruneTimeout.
	// +optional
	// +kubebuilder:default=true
	Prune *bool `json:"prune,omitempty"`

	// PruneTimeout is how long a Pipeline that is to be pruned waits for its Runs: until
	// none is active, all their Jobs have ended and their notifiers have told. What is
	// left then is stopped and deleted with it. Default 1h, at most 168h; 0s: it waits
	// for nothing.
	// +optional
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('168h')",message="pruneTimeout must be at least 0s and at most 168h"
	PruneTimeout *metav1.Duration `json:"pruneTimeout,omitempty"`

	// AllowEmpty lets a commit that renders no object at all prune everything.
	// Without it such a commit is refused, because it is nearly always a mistake.
	// +optional
	AllowEmpty bool `json:"allowEmpty,omitempty"`

	// AllowPrune lets a commit prune more than half of the ConfigRepo's objects.
	// Without it a commit that would prune so many, and more than one, is refused:
	// it is more likely that something was left out by mistake.
	// +optional
	AllowPrune bool `json:"allowPrune,omitempty"`

	// Adopt names ConfigRepos of this namespace whose Pipelines and Triggers this
	// one may take over: an object that both render is this one's from its next sync
	// on, with its Runs, and the other one leaves it alone. Default: what belongs to
	// another ConfigRepo is refused, as long as that one exists.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:MinLength=1
	Adopt []string `json:"adopt,omitempty"`

	// Suspend stops syncing; what was applied stays.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// GitRef selects a commit. At most one field may be set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.branch), has(self.tag), has(self.commit)].filter(x, x).size() <= 1",message="ref takes one of branch, tag and commit"
type GitRef struct {
	// Branch to follow, without refs/heads/.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Branch string `json:"branch,omitempty"`

	// Tag to follow, without refs/tags/.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Tag string `json:"tag,omitempty"`

	// Commit is a full SHA-1. The server must allow fetching it by its name.
	// +optional
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{40}$`
	Commit string `json:"commit,omitempty"`
}

// ConfigRepoStatus is what the last sync found and did.
type ConfigRepoStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Ready; Reconciling while a sync is under way or being retried;
	// Stalled when only a change of the spec or of the repository can help.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// LastAttemptedRevision is the newest commit that a sync tried, as
	// ref@sha1:commit.
	// +optional
	LastAttemptedRevision string `json:"lastAttemptedRevision,omitempty"`

	// LastAppliedRevision is the commit whose objects are in the cluster.
	// +optional
	LastAppliedRevision string `json:"lastAppliedRevision,omitempty"`

	// WebhookPath is the path, on KayCI's webhook address, to send pushes to.
	// +optional
	WebhookPath string `json:"webhookPath,omitempty"`

	// Inventory lists the objects that were applied from the repository.
	// +optional
	Inventory *Inventory `json:"inventory,omitempty"`

	meta.ReconcileRequestStatus `json:",inline"`
}

// ConfigRepoWebhook is how the git host says that something was pushed.
type ConfigRepoWebhook struct {
	// Provider whose format and signature the request has. Any authentic request of
	// generic asks for a look; of a git host, a push of what spec.ref names.
	Provider Provider `json:"provider"`

	// SecretRef names a Secret of the same namespace. Its keys `token` and `token.old`
	// are those of a Trigger's webhook.
	SecretRef meta.LocalObjectReference `json:"secretRef"`
}

// Inventory is the set of objects that a ConfigRepo has applied and may prune.
type Inventory struct {
	// Entries, sorted by kind and name.
	// +optional
	// +listType=atomic
	Entries []InventoryEntry `json:"entries,omitempty"`
}

// InventoryEntry is one applied object of the ConfigRepo's namespace.
type InventoryEntry struct {
	// Kind is Pipeline or Trigger.
	Kind string `json:"kind"`

	// Name of the object.
	Name string `json:"name"`

	// UID of the object that was applied. A different one means that somebody has
	// made the object anew under its name.
	// +optional
	UID types.UID `json:"uid,omitempty"`

	// Generation that the object had after it was applied. A different one means
	// that somebody has changed the object since.
	// +optional
	Generation int64 `json:"generation,omitempty"`

	// UnwantedSince is since when no commit renders the Pipeline, which waits for its
	// Runs before it is pruned.
	// +optional
	UnwantedSince *metav1.Time `json:"unwantedSince,omitempty"`

	// Digest of what was applied: a sync compares it with what it rendered. Blank
	// from just before the object is first applied until that has succeeded.
	// +optional
	Digest string `json:"digest,omitempty"`
}

// ConfigRepo is a trusted git repository whose jsonnet, YAML and JSON files
// become the Pipelines and Triggers of its namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=configrepos,categories=kayci,shortName=crepo
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Revision",type=string,JSONPath=`.status.lastAppliedRevision`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.url`,priority=1
// +kubebuilder:printcolumn:name="Suspended",type=boolean,JSONPath=`.spec.suspend`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 63 characters"
type ConfigRepo struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what to sync.
	Spec ConfigRepoSpec `json:"spec"`
	// Status says what the last sync found and did.
	// +optional
	Status ConfigRepoStatus `json:"status,omitempty"`
}

// ConfigRepoList is a list of ConfigRepos.
//
// +kubebuilder:object:root=true
type ConfigRepoList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ConfigRepo `json:"items"`
}

// GetConditions lets Flux's condition and patch helpers read the conditions.
func (r *ConfigRepo) GetConditions() []metav1.Condition { return r.Status.Conditions }

// SetConditions lets Flux's condition and patch helpers write the conditions.
func (r *ConfigRepo) SetConditions(c []metav1.Condition) { r.Status.Conditions = c }
