package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/view"
)

// frame is what kayci watch draws of a Run at one time.
type frame struct {
	run view.Run
	// layout of its jobs, empty if it isn't known.
	layout graph.Layout
	// page is the address of the Run's, and usual how long its jobs take otherwise.
	page  string
	usual map[string]time.Duration
	// all shows every job.
	all bool
	// note says what keeps the Run from being seen.
	note string
	// height of the terminal: more lines can't be drawn over.
	height   int
	terminal *terminal.Terminal
}

// lines of the frame, the last of the terminal left free.
func (f *frame) lines() []string {
	lines := []string{f.header()}
	if f.page != "" {
		lines = append(lines, " "+f.page)
	}
	shown, hidden := f.choose()
	if f.run.Why != "" && !slices.ContainsFunc(shown, func(j view.Job) bool { return j.Why != "" && strings.Contains(f.run.Why, j.Why) }) {
		lines = append(lines, " "+f.run.Why)
	}
	end := f.folds(hidden)
	if f.note != "" {
		end = append(end, " "+f.terminal.Paint(terminal.Yellow, f.note))
	}
	if f.run.State.Ended() {
		for _, command := range f.run.Commands {
			end = append(end, " "+command)
		}
	}
	room := max(1, f.height-1-len(lines)-len(end))
	if drawn := picture(f.terminal, f.layout, &f.run, " "); len(drawn)+len(shown) <= room {
		lines = append(lines, drawn...)
		room -= len(drawn)
	}
	if len(shown) > room {
		left := len(shown) - room + 1
		shown = shown[:room-1]
		end = append([]string{fmt.Sprintf(" %d more jobs", left)}, end...)
	}
	return append(append(lines, f.rows(shown)...), end...)
}

func (f *frame) header() string {
	r := &f.run
	parts := []string{f.terminal.Paint(terminal.Bold, title(r)), signed(f.terminal, r.State) + took(r)}
	if r.Total > 0 {
		parts = append(parts, r.Count())
	}
	if origin := strings.TrimSpace(r.Origin.Commit() + " " + r.Origin.Title); origin != "" {
		parts = append(parts, origin)
	}
	return strings.Join(parts, "  ")
}

// choose parts the jobs that somebody wants to see, urgent ones first, from the others:
// what has failed, what goes on, and what comes next.
func (f *frame) choose() (shown, hidden []view.Job) {
	if f.all {
		if len(f.run.Jobs)+2 > f.height-1 {
			return f.run.Urgent(), nil
		}
		return f.run.Jobs, nil
	}
	for _, job := range f.run.Urgent() {
		if f.wanted(&job) {
			shown = append(shown, job)
		} else {
			hidden = append(hidden, job)
		}
	}
	return shown, hidden
}

func (f *frame) wanted(job *view.Job) bool {
	switch job.State {
	case view.Failed, view.Tolerated, view.Running, view.Starting, view.Stopping, view.Asking:
		return true
	case view.Waiting:
		if job.Reason != v1alpha1.ReasonAwaitingNeeds {
			return job.Reason != "" && job.Reason != v1alpha1.ReasonQueued
		}
		return len(job.Missing) > 0 && !slices.ContainsFunc(job.Missing, func(need string) bool {
			other := f.run.Job(need)
			return other == nil || other.State == view.Waiting
		})
	default:
		return false
	}
}

// folds are a line for each state of the jobs that aren't shown.
func (f *frame) folds(hidden []view.Job) []string {
	var lines []string
	for from := 0; from < len(hidden); {
		state := hidden[from].State
		to := from
		var names []string
		for ; to < len(hidden) && hidden[to].State == state; to++ {
			names = append(names, hidden[to].Name)
		}
		sign := f.terminal.Paint(terminal.StyleOf(state.Class()), state.Sign(f.terminal.ASCII))
		lines = append(lines, fmt.Sprintf(" %s %d %s: %s", sign, len(names), strings.ToLower(state.Word()), strings.Join(names, ", ")))
		from = to
	}
	return lines
}

func (f *frame) rows(jobs []view.Job) []string {
	states, names := 0, 0
	for i := range jobs {
		states = max(states, terminal.Width(signed(f.terminal, jobs[i].State)))
		names = max(names, terminal.Width(jobs[i].Name))
	}
	var lines []string
	for i := range jobs {
		j := &jobs[i]
		why := strings.TrimSpace(f.progress(j) + " " + j.Why)
		if j.State == view.Asking {
			why += fmt.Sprintf(" (kayci approve %s %s)", f.run.Address, j.Name)
		}
		line := fmt.Sprintf(" %s  %s  %6s  %s", terminal.Pad(signed(f.terminal, j.State), states), terminal.Pad(j.Name, names), length(j.Times.Took()), why)
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// barWidth is how many characters wide a bar is that is full.
const barWidth = 12

// progress of a job that runs, beside how long it usually does. Blank: that isn't known.
func (f *frame) progress(j *view.Job) string {
	usual := f.usual[j.Name]
	if j.State != view.Running || usual < time.Second || j.Times.Running.From.IsZero() {
		return ""
	}
	left, full, right := "▕", "█", "▏"
	if f.terminal.ASCII {
		left, full, right = "[", "#", "]"
	}
	filled := int(min(barWidth*j.Times.Running.Length()/usual, barWidth))
	return left + strings.Repeat(full, filled) + strings.Repeat(" ", barWidth-filled) + right + " usually " + length(usual)
}

// changes are what is new of a Run since it was last looked at, a line each. The first
// look tells all but what waits for its turn.
func changes(before *view.Run, now *view.Run) []string {
	var lines []string
	for i := range now.Jobs {
		var old *view.Job
		if before != nil {
			old = before.Job(now.Jobs[i].Name)
		}
		if line := change(now, old, &now.Jobs[i]); line != "" {
			lines = append(lines, line)
		}
	}
	same := before != nil && before.State == now.State
	if same && (before.Why == now.Why || now.State != view.Queued) {
		return lines
	}
	own := tell(title(now), now.State.Word(), now.Why)
	if now.State.Ended() {
		return append(append(lines, own), now.Commands...)
	}
	return append([]string{own}, lines...)
}

// change is what is new of a job, or nothing. Old is what it was, or nil.
func change(run *view.Run, old, j *view.Job) string {
	if old == nil {
		old = &view.Job{State: view.Waiting}
	}
	ordinary := j.State == view.Waiting && slices.Contains([]string{
		"", v1alpha1.ReasonQueued, v1alpha1.ReasonAwaitingNeeds, v1alpha1.ReasonAwaitingServices, v1alpha1.ReasonAwaitingTurn,
	}, j.Reason)
	switch {
	case ordinary, j.State == old.State && j.Reason == old.Reason:
		return ""
	case j.State == view.Asking:
		return fmt.Sprintf("%s %s (kayci approve %s %s)", j.Name, j.Why, run.Address, j.Name)
	}
	return tell(j.Name, j.State.Word(), j.Why)
}

func tell(what, state, why string) string {
	if why == "" {
		return what + " " + state
	}
	return what + " " + state + ": " + why
}
