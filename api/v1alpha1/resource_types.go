package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultResourceInterval is the minInterval of a resource that gives none.
const DefaultResourceInterval = 10 * time.Second

// ResourceEvent is what became of an object.
// +kubebuilder:validation:Enum=Added;Updated;Deleted
type ResourceEvent string

// What can become of it.
const (
	ResourceAdded   ResourceEvent = "Added"
	ResourceUpdated ResourceEvent = "Updated"
	ResourceDeleted ResourceEvent = "Deleted"
)

// ResourceEvents are all of them.
func ResourceEvents() []ResourceEvent {
	return []ResourceEvent{ResourceAdded, ResourceUpdated, ResourceDeleted}
}

// Resource starts Runs when objects of a kind change, in the Trigger's namespace. What
// belongs to a Run of KayCI never counts.
//
// +kubebuilder:validation:XValidation:rule="self.kind.lowerAscii() != 'secret' || self.apiVersion != 'v1'",message="Secrets start no Runs: what they hold would become parameters"
// +kubebuilder:validation:XValidation:rule="self.apiVersion != 'kayci.dev' && !self.apiVersion.startsWith('kayci.dev/')",message="KayCI's own kinds start no Runs by their changes: for the end of a Run there is spec.run"
// +kubebuilder:validation:XValidation:rule="self.kind.lowerAscii() != 'event' || !(self.apiVersion == 'v1' || self.apiVersion.startsWith('events.k8s.io/'))",message="Events start no Runs: each Run makes some"
type Resource struct {
	// APIVersion of the objects: v1, or apps/v1.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	APIVersion string `json:"apiVersion"`

	// Kind of the objects, of those that live in a namespace: ConfigMap. Secrets, Events
	// and KayCI's own kinds are refused. KayCI's service account must be allowed to list
	// and watch them.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// Name of the one object that counts. Default: any.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// Selector that the labels of an object must fit, as they are now. Default: any
	// labels do.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`

	// Events that start a Run: Added, Updated or Deleted. Default: Added and Updated.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Events []ResourceEvent `json:"events,omitempty"`

	// If is a CEL expression over `object`, `oldObject` and `event` that must be true.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	If string `json:"if,omitempty"`

	// MinInterval is how long after the start of a Run of the Trigger the next one may
	// start. Of what becomes of an object meanwhile the last state has its Run then. At
	// least 1s and at most 24h. Default: 10s.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="minInterval must be at least 1s and at most 24h"
	MinInterval *metav1.Duration `json:"minInterval,omitempty"`
}

// EventsOrDefault are the events with their default.
func (r *Resource) EventsOrDefault() []ResourceEvent {
	if len(r.Events) == 0 {
		return []ResourceEvent{ResourceAdded, ResourceUpdated}
	}
	return r.Events
}

// Interval is minInterval with its default.
func (r *Resource) Interval() time.Duration {
	if r.MinInterval == nil {
		return DefaultResourceInterval
	}
	return r.MinInterval.Duration
}

// ResourceStatus is what is known of the objects whose changes start Runs. What it
// says is about this kind, name and selector: with others it begins anew.
type ResourceStatus struct {
	// APIVersion, Kind, Name and Selector are those that were seen last.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// +optional
	Name string `json:"name,omitempty"`
	// Selector as text.
	// +optional
	Selector string `json:"selector,omitempty"`

	// Version is a resource version of the kind: all that became of objects up to it was
	// seen to. Blank until the first look, which starts nothing.
	// +optional
	Version string `json:"version,omitempty"`

	// Time is when that was noted: an object that was created later counts as added after
	// a restart. It is written with each Run that is started, when KayCI stops, and else at
	// most once in 10 minutes.
	// +optional
	Time *metav1.Time `json:"time,omitempty"`

	// Started is when a Run was last started.
	// +optional
	Started *metav1.Time `json:"started,omitempty"`

	// Suspended says that the Trigger was last seen suspended: the first look after that
	// starts nothing.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Failure is why the objects can't be watched.
	// +optional
	Failure *ResourceFailure `json:"failure,omitempty"`
}

// ResourceFailure is why objects can't be watched.
type ResourceFailure struct {
	// Reason in one word.
	Reason string `json:"reason"`
	// Message says what went wrong.
	Message string `json:"message"`
}
