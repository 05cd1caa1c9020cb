package v1alpha1

import (
	"cmp"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Provider is a kind of git host, or generic for any program that can send
// JSON and a bearer token.
// +kubebuilder:validation:Enum=generic;github;gitlab;gitea;bitbucket;bitbucket-server
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
	return []Provider{ProviderGeneric, ProviderGitHub, ProviderGitLab, ProviderGitea, ProviderBitbucket, ProviderBitbucketServer}
}

// TriggerSpec says what starts a Run of which Pipeline.
//
// +kubebuilder:validation:XValidation:rule="[has(self.webhook), has(self.schedule), has(self.run), has(self.poll), has(self.resource)].exists_one(source, source)",message="a Trigger has exactly one source of Runs: webhook, schedule, run, poll or resource"
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

	// Poll starts a Run when a look at a git repository finds that a branch or tag has
	// moved.
	// +optional
	Poll *Poll `json:"poll,omitempty"`

	// Run starts a Run whenever one of another Pipeline has ended.
	// +optional
	Run *RunEnd `json:"run,omitempty"`

	// Resource starts a Run when an object of any kind changes.
	// +optional
	Resource *Resource `json:"resource,omitempty"`

	// Params of the Run, each a CEL expression. Of a schedule, over `time`, the time
	// that the Run is started for; of a Run's end, over `run`, the Run that has ended
	// (name, namespace, pipeline, number, phase, params, outputs, origin). Of a resource, over
	// `object`, `oldObject` and `event` (Added, Updated or Deleted). Of a webhook and a poll, over `event` (the same fields for
	// every provider: kind, action, repository, cloneURL, sha, before, mergeSHA, ref,
	// branch, tag, created, forced, sender, title, message, url, paths, pathsComplete,
	// pullRequest, comment, release) and `body` (the request's JSON; of a poll empty). The result must be
	// a string, number or bool and is handed on as data. With the generic provider the fields
	// of the body are params already; an expression here wins over them.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Params map[string]string `json:"params,omitempty"`

	// Report has the state of the Runs stand at their commits on the git host. Default:
	// none does.
	// +optional
	Report *Report `json:"report,omitempty"`

	// Suspend has the Trigger start nothing. Events are answered. What would have
	// started a Run meanwhile starts none afterwards.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// Webhook is a request of a git host or program, and what it must be like to
// start a Run.
//
// +kubebuilder:validation:XValidation:rule="self.provider == 'generic' || !(has(self.each) || has(self.delivery))",message="each and delivery are for generic webhooks: what git hosts send is known"
// +kubebuilder:validation:XValidation:rule="self.provider != 'generic' || !(has(self.events) || has(self.actions) || has(self.branches) || has(self.tags) || has(self.paths) || has(self.pathsIgnore) || has(self.labels) || has(self.drafts) || has(self.forks))",message="of the filters a generic webhook has only `if`: the others are for git hosts"
type Webhook struct {
	// Provider whose format and signature the request has.
	Provider Provider `json:"provider"`

	// SecretRef names a Secret of the same namespace. Its key `token` holds the
	// HMAC secret (github, gitea, bitbucket, bitbucket-server), the secret token (gitlab), or the bearer token or
	// password (generic). The key `token.old`, if it is there, holds one that counts as well:
	// while a token is being replaced.
	SecretRef meta.LocalObjectReference `json:"secretRef"`

	// Events that start a Run. Default: push. A push whose commit's message has
	// `[skip ci]`, `[ci skip]` or `[no ci]` in it starts none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Events []EventKind `json:"events,omitempty"`

	// Actions of which a pull request's, comment's or release's event must have one. A
	// push has none. Each kind of the events must have one of its actions here. Default:
	// opened, updated, reopened and ready of a pull request, created of a comment,
	// published of a release.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Actions []EventAction `json:"actions,omitempty"`

	// Branches of which a push must be of one, and a pull request's base or that of
	// a comment's pull request be one: names or globs, where `*` stops at a slash and
	// `**` doesn't; there are no alternatives in braces. Default: any. With branches and
	// without tags, a push of a tag doesn't match.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Branches []string `json:"branches,omitempty"`

	// Tags of which a push or a release must be of one: names or globs, as branches
	// has them. Default: any. With tags and without branches, a push of a branch doesn't
	// match.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Tags []string `json:"tags,omitempty"`

	// Paths of which a push, a pull request or a comment's pull request must have
	// changed one: globs, as branches has them. Where it isn't known whether one was
	// changed, the event matches. Tags and releases are not asked for paths.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Paths []string `json:"paths,omitempty"`

	// PathsIgnore are paths, globs as in paths, whose changes don't count: an event that
	// has changed nothing else doesn't match. With paths, one of these must have changed
	// that is none of pathsIgnore.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	PathsIgnore []string `json:"pathsIgnore,omitempty"`

	// Labels of which a pull request, or a comment's pull request, must have one. Of one
	// that was labeled or unlabeled it is the label that was given or taken.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Labels []string `json:"labels,omitempty"`

	// Drafts says whether pull requests that are drafts, and comments on them, start
	// Runs: Run or Ignore. Default: Run.
	// +optional
	Drafts DraftPolicy `json:"drafts,omitempty"`

	// If is a CEL expression over `event` and `body` that must be true, too. Where the
	// list of changed paths is incomplete (pathsComplete is false) and the result
	// depends on what may be missing, it counts as true.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	If string `json:"if,omitempty"`

	// Each is a CEL expression over the `body` of a generic request that gives a list of
	// objects, at most 100: each may start a Run of its own, and is what if, delivery and
	// params see as `body`. Default: the request's body alone.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Each string `json:"each,omitempty"`

	// Delivery is a CEL expression over the `body` of a generic request that names it: of
	// those with one name, the first alone starts a Run. Default, also where the result
	// is empty: the header Idempotency-Key, and with `each` a number behind it; without
	// that header each request has a name of its own.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Delivery string `json:"delivery,omitempty"`

	// Forks says what becomes of pull requests whose head is in another repository:
	// Ignore; RequireApproval, which holds each head until somebody who may write to the
	// repository lets it in, by the label ok-to-test or the comment /ok-to-test with the
	// commit; or Run. Default: RequireApproval.
	// +optional
	Forks ForkPolicy `json:"forks,omitempty"`
}

// ForkPolicy is what becomes of forks' pull requests.
func (w *Webhook) ForkPolicy() ForkPolicy { return cmp.Or(w.Forks, ForksRequireApproval) }

// TriggerStatus says whether the Trigger works and where to send events.
type TriggerStatus struct {
	// ObservedGeneration is the generation of the spec that the status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Ready is False when nothing could start a Run, or no Run could be
	// reported.
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

	// Source says in short what starts Runs: the path of a webhook, when a schedule
	// does, which Runs by their end, which changes of which objects, or the repository that
	// is looked at.
	// +optional
	Source string `json:"source,omitempty"`

	// Schedule is what is known of the schedule.
	// +optional
	Schedule *ScheduleStatus `json:"schedule,omitempty"`

	// Run is what is known of the Runs that have ended.
	// +optional
	Run *RunEndStatus `json:"run,omitempty"`

	// LastScheduleTime is the time, of the schedule, that a Run was last started for.
	// Jitter is not in it.
	// +optional
	LastScheduleTime *metav1.Time `json:"lastScheduleTime,omitempty"`

	// NextScheduleTime is when the schedule starts the next Run. Jitter is in it.
	// +optional
	NextScheduleTime *metav1.Time `json:"nextScheduleTime,omitempty"`

	// Held are heads of forks' pull requests that wait to be let in, oldest first: the
	// newest of each pull request, and at most 100.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Held []HeldHead `json:"held,omitempty"`

	// Poll is what is known of the repository that is looked at.
	// +optional
	Poll *PollStatus `json:"poll,omitempty"`

	// Resource is what is known of the objects whose changes start Runs.
	// +optional
	Resource *ResourceStatus `json:"resource,omitempty"`
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
