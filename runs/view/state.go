package view

import (
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// State is where a Run, a job or a service stands, in a word for people. It is the
// phase, but where a phase covers what people tell apart.
type State string

// The states. Those of phases have their names.
const (
	Queued    State = "Queued"
	Waiting   State = "Waiting"
	Starting  State = "Starting"
	Running   State = "Running"
	Ready     State = "Ready"
	Stopping  State = "Stopping"
	Succeeded State = "Succeeded"
	Failed    State = "Failed"
	Skipped   State = "Skipped"
	Cancelled State = "Cancelled"
	Stopped   State = "Stopped"
	// Asking waits for somebody's approval, and for nothing else.
	Asking State = "Asking"
	// Tolerated has failed, which is allowed.
	Tolerated State = "Tolerated"
)

// look is how a state is shown.
type look struct {
	word, symbol, ascii string
	// rank orders states by how soon somebody wants to see them.
	rank int
}

// The symbols are characters that fonts of terminals have, one column wide: the usual
// sign for a pause is an emoji, which has two.
func (s State) look() look {
	switch s {
	case Failed:
		return look{"Failed", "✕", "x", 0}
	case Running:
		return look{"Running", "●", "*", 1}
	case Ready:
		return look{"Ready", "●", "*", 1}
	case Stopping:
		return look{"Stopping", "●", "*", 1}
	case Starting:
		return look{"Starting", "○", "o", 2}
	case Asking:
		return look{"Waits for approval", "‖", "?", 3}
	case Waiting:
		return look{"Waiting", "◌", ".", 4}
	case Cancelled:
		return look{"Cancelled", "⊘", "/", 5}
	case Skipped:
		return look{"Skipped", "↷", "-", 6}
	case Stopped:
		return look{"Stopped", "■", "-", 6}
	case Tolerated:
		return look{"Failed, allowed", "!", "!", 7}
	case Succeeded:
		return look{"Succeeded", "✓", "+", 8}
	case Queued:
	}
	return look{"Queued", "◌", ".", 4}
}

// Word is what the state is called.
func (s State) Word() string { return s.look().word }

// Symbol is one character that stands beside the word.
func (s State) Symbol() string { return s.look().symbol }

// ASCII is the symbol of terminals that have no others.
func (s State) ASCII() string { return s.look().ascii }

// Sign is the symbol, or the one in ASCII.
func (s State) Sign(ascii bool) string {
	if ascii {
		return s.ASCII()
	}
	return s.Symbol()
}

// Class is the name of the state in style sheets.
func (s State) Class() string { return strings.ToLower(string(s)) }

// Ended reports whether the state is final.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Failed, Skipped, Cancelled, Stopped, Tolerated:
		return true
	case Queued, Waiting, Starting, Running, Ready, Stopping, Asking:
	}
	return false
}

// Worst is the state that somebody wants to see first.
func Worst(states ...State) State {
	worst := Succeeded
	for _, s := range states {
		if s.look().rank < worst.look().rank {
			worst = s
		}
	}
	return worst
}

func stateOfJob(s *v1alpha1.JobStatus) State {
	switch {
	case s.Phase == v1alpha1.JobFailed && s.FailureAllowed:
		return Tolerated
	case s.Phase == v1alpha1.JobWaiting && s.Reason == v1alpha1.ReasonAwaitingApproval:
		return Asking
	case s.Phase == v1alpha1.JobRunning && s.StoppingSince != nil:
		return Stopping
	case s.Phase == v1alpha1.JobRunning && s.Reason != "":
		return Starting
	case s.Phase == "":
		return Waiting
	}
	return State(s.Phase)
}

func stateOfService(s *v1alpha1.ServiceStatus) State {
	if s.Phase == "" {
		return Waiting
	}
	return State(s.Phase)
}

// OfRun is the state of a Run: its phase, or Asking, when nothing of it goes on before
// somebody has answered.
func OfRun(run *v1alpha1.Run) State {
	if run.Status.Phase.Finished() {
		return State(run.Status.Phase)
	}
	asking := false
	for i := range run.Status.Jobs {
		s := &run.Status.Jobs[i]
		if s.Phase == v1alpha1.JobRunning {
			return Running
		}
		asking = asking || stateOfJob(s) == Asking
	}
	switch {
	case asking:
		return Asking
	case run.Status.Phase == v1alpha1.RunRunning:
		return Running
	}
	return Queued
}
