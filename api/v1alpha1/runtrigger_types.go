package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// MaxDepth is how many Runs may have led to a Run by their ends, one after the
	// other.
	MaxDepth = 8
	// MaxHandled is how many Runs a RunEndStatus can list.
	MaxHandled = 1000
)

// RunEndForks is what the end of a fork's Run starts.
// +kubebuilder:validation:Enum=Ignore;Run
type RunEndForks string

// What it can be.
const (
	// RunEndForksIgnore: nothing.
	RunEndForksIgnore RunEndForks = "Ignore"
	// RunEndForksRun: a Run, as any other's end does.
	RunEndForksRun RunEndForks = "Run"
)

// RunEnd starts Runs when those of another Pipeline end.
type RunEnd struct {
	// Pipeline of the same namespace whose Runs start others when they end.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=52
	Pipeline string `json:"pipeline"`

	// Phases that a Run must end in: Succeeded, Failed or Cancelled. Default:
	// Succeeded.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Phases []RunPhase `json:"phases,omitempty"`

	// If is a CEL expression over `run`, the Run that has ended, that must be true.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	If string `json:"if,omitempty"`

	// Forks says what the end of a Run of a pull request from a fork starts: nothing
	// (Ignore), or a Run, whose origin says so, too (Run). Default: Ignore.
	// +optional
	Forks RunEndForks `json:"forks,omitempty"`
}

// PhasesOrDefault are the phases with their default.
func (r *RunEnd) PhasesOrDefault() []RunPhase {
	if len(r.Phases) == 0 {
		return []RunPhase{RunSucceeded}
	}
	return r.Phases
}

// RunEndStatus is what is known of the Runs that have ended. What it says is about
// this Pipeline and these phases: with others it begins anew.
type RunEndStatus struct {
	// Pipeline and Phases are those that were seen last.
	Pipeline string `json:"pipeline"`
	// +optional
	// +listType=atomic
	Phases []RunPhase `json:"phases,omitempty"`

	// Since is the time before which Runs must not have ended to start another.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`

	// Suspended says that the Trigger was last seen suspended, or part of a loop: Runs
	// that end until that is over start nothing.
	// +optional
	Suspended bool `json:"suspended,omitempty"`

	// Handled are the Runs that have ended since then and have been seen to: another
	// was started, or is not to be.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Handled []HandledRun `json:"handled,omitempty"`
}

// HandledRun is a Run that has ended and was seen to.
type HandledRun struct {
	// UID of the Run.
	UID types.UID `json:"uid"`
	// Ended is its completionTime.
	Ended metav1.Time `json:"ended"`
}
