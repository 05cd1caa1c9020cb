package v1alpha1

import (
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Provider is a kind of git host, or generic for any program that can send
// JSON and a bearer token.
// +kubebuilder:validation:Enum=generic;github;gitlab;gitea
type Provider string

// The providers. Gitea's covers Forgejo.
const (
	ProviderGeneric Provider = "generic"
	ProviderGitHub  Provider = "github"
	ProviderGitLab  Provider = "gitlab"
	ProviderGitea   Provider = "gitea"
	// ProviderBitbucket is Bitbucket Cloud, and ProviderBitbucketServer Data Center.
	ProviderBitbucket       Provider = "bitbucket"
	ProviderBitbucketServer Provider = "bitbucket-server"
)

// Providers are all of them.
func Providers() []Provider {
	return []Provider{ProviderGeneric, ProviderGitHub, ProviderGitLab, ProviderGitea}
}

// EventKind is what happened at the git host.
// +kubebuilder:validation:Enum=push;pull_request;comment;release
type EventKind string

// The kinds of events. A merge request is a pull request.
const (
	// EventPush is a push of a branch or a tag.
	EventPush EventKind = "push"
	// EventPullRequest is a change of a pull request.
	EventPullRequest EventKind = "pull_request"
	// EventComment is a comment on a pull request.
	EventComment EventKind = "comment"
	// EventRelease is a change of a release.
	EventRelease EventKind = "release"
)

// EventKinds are all of them.
func EventKinds() []EventKind {
	return []EventKind{EventPush, EventPullRequest, EventComment, EventRelease}
}

// EventAction is what became of the thing that an event is about.
// +kubebuilder:validation:Enum=opened;updated;reopened;closed;merged;labeled;unlabeled;drafted;ready;edited;created;published
type EventAction string

// The actions.
const (
	// ActionOpened: the pull request is new.
	ActionOpened EventAction = "opened"
	// ActionUpdated: the pull request has another head.
	ActionUpdated EventAction = "updated"
	// ActionReopened: the pull request was closed, and is open again.
	ActionReopened EventAction = "reopened"
	// ActionClosed: the pull request was closed without a merge.
	ActionClosed EventAction = "closed"
	// ActionMerged: the pull request was merged.
	ActionMerged EventAction = "merged"
	// ActionLabeled: the pull request has another label.
	ActionLabeled EventAction = "labeled"
	// ActionUnlabeled: the pull request has lost a label.
	ActionUnlabeled EventAction = "unlabeled"
	// ActionDrafted: the pull request was made a draft.
	ActionDrafted EventAction = "drafted"
	// ActionReady: the pull request is no draft any more.
	ActionReady EventAction = "ready"
	// ActionEdited: a title, text or base branch was changed.
	ActionEdited EventAction = "edited"
	// ActionCreated: the comment is new.
	ActionCreated EventAction = "created"
	// ActionPublished: the release can be seen by all.
	ActionPublished EventAction = "published"
)

// EventActions are all of them.
func EventActions() []EventAction {
	return []EventAction{
		ActionOpened, ActionUpdated, ActionReopened, ActionClosed, ActionMerged, ActionLabeled, ActionUnlabeled,
		ActionDrafted, ActionReady, ActionEdited, ActionCreated, ActionPublished,
	}
}

// TriggerSpec says what starts a Run of which Pipeline.
//
// +kubebuilder:validation:XValidation:rule="[has(self.webhook), has(self.schedule)].exists_one(source, source)",message="a Trigger has exactly one source of Runs: webhook or schedule"
type TriggerSpec struct {
	// Pipeline of the same namespace that a Run is started of.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=52
	Pipeline string `json:"pipeline"`

	// Webhook starts a Run when a signed request arrives at status.webhookPath.
	// +optional
	Webhook *Webhook `json:"webhook,omitempty"`

	// Schedule starts a Run whenever its time has come.
	// +optional
	Schedule *Schedule `json:"schedule,omitempty"`

	// Params of the Run, each a CEL expression. Of a schedule, over `time`, the time
	// that the Run is started for. Of a webhook, over `event` (the same fields for
	// every provider: kind, action, repository, cloneURL, sha, before, mergeSHA, ref,
	// branch, tag, created, forced, sender, title, message, url, paths, pathsComplete,
	// pullRequest, comment, release) and `body` (the request's JSON). The result must be
	// a string, number or bool and is handed on as data. With the generic provider the fields
	// of the body are params already; an expression here wins over them.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Params map[string]string `json:"params,omitempty"`

	// Suspend has the Trigger start nothing. Events are answered. What would have
	// started a Run meanwhile starts none afterwards.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Webhook is a request of a git host or program, and what it must be like to
// start a Run.
//
// +kubebuilder:validation:XValidation:rule="self.provider != 'generic' || (!has(self.events) && !has(self.branches))",message="events and branches are for git hosts; a generic webhook has neither"
type Webhook struct {
	// Provider whose format and signature the request has.
	Provider Provider `json:"provider"`

	// SecretRef names a Secret of the same namespace. Its key `token` holds the
	// HMAC secret (github, gitea), the secret token (gitlab) or the bearer token
	// (generic). The key `token.old`, if it is there, holds one that counts as well:
	// while a token is being replaced.
	SecretRef meta.LocalObjectReference `json:"secretRef"`

	// Events that start a Run. Default: push.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Events []EventKind `json:"events,omitempty"`

	// Branches that an event must be about: names or globs, where `*` stops at a
	// slash and `**` doesn't; there are no alternatives in braces. Default: any branch
	// or tag. With it, tags don't match.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Branches []string `json:"branches,omitempty"`

	// If is a CEL expression over `event` and `body` that must be true. Where the
	// list of changed paths is incomplete (pathsComplete is false) and the result
	// depends on what may be missing, it counts as true.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	If string `json:"if,omitempty"`
}

// TriggerStatus says whether the Trigger works and where to send events.
type TriggerStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Ready is False when nothing could start a Run.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// WebhookPath is the path, on KayCI's webhook address, to send events to.
	// +optional
	WebhookPath string `json:"webhookPath,omitempty"`

	// Recent are the last decisions about events, newest first, at most 20. They are
	// written some seconds later, together, and those of a replica that crashes are
	// lost.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Recent []Decision `json:"recent,omitempty"`

	// Source says in short what starts Runs: the path of a webhook, or when a schedule
	// does.
	// +optional
	Source string `json:"source,omitempty"`

	// Schedule is what is known of the schedule.
	// +optional
	Schedule *ScheduleStatus `json:"schedule,omitempty"`

	// LastScheduleTime is the time, of the schedule, that a Run was last started for.
	// Jitter is not in it.
	// +optional
	LastScheduleTime *metav1.Time `json:"lastScheduleTime,omitempty"`

	// NextScheduleTime is when the schedule starts the next Run. Jitter is in it.
	// +optional
	NextScheduleTime *metav1.Time `json:"nextScheduleTime,omitempty"`
}

// Trigger starts Runs of a Pipeline.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=kayci,shortName=trig
// +kubebuilder:printcolumn:name="Pipeline",type=string,JSONPath=`.spec.pipeline`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.status.source`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.nextScheduleTime`
// +kubebuilder:printcolumn:name="Last",type=string,JSONPath=`.status.recent[0].outcome`
// +kubebuilder:printcolumn:name="When",type=date,JSONPath=`.status.recent[0].time`
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.webhook.provider`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
// +kubebuilder:printcolumn:name="Last Reason",type=string,JSONPath=`.status.recent[0].reason`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 52 characters"
type Trigger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says which events start what.
	Spec TriggerSpec `json:"spec"`
	// Status says whether the Trigger works.
	// +optional
	Status TriggerStatus `json:"status,omitempty"`
}

// TriggerList is a list of Triggers.
//
// +kubebuilder:object:root=true
type TriggerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Trigger `json:"items"`
}

// GetConditions lets Flux's condition and patch helpers read the conditions.
func (t *Trigger) GetConditions() []metav1.Condition { return t.Status.Conditions }

// SetConditions lets Flux's condition and patch helpers write the conditions.
func (t *Trigger) SetConditions(c []metav1.Condition) { t.Status.Conditions = c }
