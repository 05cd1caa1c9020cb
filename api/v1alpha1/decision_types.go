package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxRecent is how many decisions a Trigger's status keeps.
const MaxRecent = 20

// DecisionOutcome is what an event meant to a Trigger.
type DecisionOutcome string

// The outcomes.
const (
	// DecisionCreated: the event has started a Run.
	DecisionCreated DecisionOutcome = "Created"
	// DecisionExists: the event had started its Run before.
	DecisionExists DecisionOutcome = "Exists"
	// DecisionConflict: another event of the same name has started a Run.
	DecisionConflict DecisionOutcome = "Conflict"
	// DecisionNotMatched: the Trigger is about other events.
	DecisionNotMatched DecisionOutcome = "NotMatched"
	// DecisionSuspended: the Trigger ignores all events.
	DecisionSuspended DecisionOutcome = "Suspended"
	// DecisionInvalid: the Trigger or its Pipeline has to be put right first.
	DecisionInvalid DecisionOutcome = "Invalid"
	// DecisionHeld: a fork's head waits to be let in.
	DecisionHeld DecisionOutcome = "Held"
	// DecisionRefused: a command was not obeyed.
	DecisionRefused DecisionOutcome = "Refused"
	// DecisionCancelled: the event has ended Runs of its pull request, and started none.
	DecisionCancelled DecisionOutcome = "Cancelled"
	// DecisionFailed: the outcome could not be stored.
	DecisionFailed DecisionOutcome = "Failed"
)

// Decision is what a Trigger made of an event.
type Decision struct {
	// Time of the decision.
	Time metav1.Time `json:"time"`

	// Outcome: Created, Exists, Conflict, NotMatched, Suspended, Invalid, Held,
	// Refused, Cancelled or Failed.
	Outcome DecisionOutcome `json:"outcome"`

	// Reason for the outcome, in a sentence.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Delivery identifies the event.
	// +optional
	Delivery string `json:"delivery,omitempty"`

	// Run that the event has started.
	// +optional
	Run string `json:"run,omitempty"`

	// Omitted is how many decisions right before this one are not listed, because too
	// many came at once.
	// +optional
	Omitted int32 `json:"omitted,omitempty"`
}
