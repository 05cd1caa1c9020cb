package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/view"
)

const (
	// maxDrawn bounds the lines of a drawing: a larger one hides what stands below it.
	maxDrawn = 30
	// maxEvents bounds how many events are shown, the newest.
	maxEvents = 20
	// maxValue bounds what is shown of a parameter or output, in characters.
	maxValue = 200
)

// description is what kayci describe shows.
type description struct {
	run    view.Run
	params map[string]string
	// layout of the jobs, empty if it isn't known any more.
	layout   graph.Layout
	happened []corev1.Event
	// unseen are the kinds of objects that this person may not list.
	unseen []string

	now      time.Time
	terminal *terminal.Terminal
	lines    []string
}

func (d *description) text() string {
	r := &d.run
	d.add("%s  %s%s", d.terminal.Paint(terminal.Bold, title(r)), signed(d.terminal, r.State), took(r))
	if r.Why != "" {
		d.add("%s", r.Why)
	}
	d.add("")
	d.facts()
	d.graph()
	d.jobs()
	d.services()
	d.outputs()
	d.failedTests()
	d.warnings()
	d.history()
	if len(d.unseen) > 0 {
		d.section("Not shown")
		d.add("  You may not list %s.", strings.Join(d.unseen, " or "))
	}
	if len(r.Commands) > 0 {
		d.section("Next")
		for _, command := range r.Commands {
			d.add("  %s", command)
		}
	}
	return strings.Join(d.lines, "\n") + "\n"
}

// title is the Pipeline and number: web #12.
func title(r *view.Run) string {
	if r.Number == 0 {
		return r.Pipeline
	}
	return fmt.Sprintf("%s #%d", r.Pipeline, r.Number)
}

func took(r *view.Run) string {
	switch {
	case r.Started.IsZero():
		return ""
	case r.Ended.IsZero():
		return " for " + length(r.Took)
	}
	return " after " + length(r.Took)
}

func (d *description) add(format string, args ...any) {
	d.lines = append(d.lines, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

func (d *description) section(name string) {
	if d.lines[len(d.lines)-1] != "" {
		d.add("")
	}
	d.add("%s", d.terminal.Paint(terminal.Bold, name))
}

func (d *description) facts() {
	r := &d.run
	fact := func(name, value string) {
		if value != "" {
			d.add("  %-10s %s", name, value)
		}
	}
	fact("Run", fmt.Sprintf("%s in %s", r.Name, r.Namespace))
	fact("Commit", strings.TrimSpace(r.Origin.Commit()+"  "+r.Origin.Title))
	fact("Event", r.Origin.Event)
	fact("By", r.Origin.By)
	fact("From", r.Origin.URL)
	fact("Retries", r.RetryOf)
	fact("Created", d.ago(r.Created))
	if r.Deleted {
		fact("Deleted", "this is what the store has kept")
	}
	for i, name := range slices.Sorted(maps.Keys(d.params)) {
		heading := ""
		if i == 0 {
			heading = "Params"
		}
		d.add("  %-10s %s=%s", heading, printable.Text(name), value(d.params[name]))
	}
}

// value of a stranger, in one line of a bounded length.
func value(text string) string { return printable.Cut(printable.Text(text), maxValue) }

func (d *description) ago(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, %s ago", at.UTC().Format("2006-01-02 15:04:05 UTC"), length(d.now.Sub(at)))
}

func (d *description) graph() {
	lines := picture(d.terminal, d.layout, &d.run, "  ")
	if len(lines) == 0 || len(lines) > maxDrawn {
		return
	}
	d.section("Graph")
	for _, line := range lines {
		d.add("%s", line)
	}
}

func (d *description) jobs() {
	r := &d.run
	if len(r.Jobs) == 0 {
		return
	}
	d.section("Jobs " + r.Count())
	states, names := 0, 0
	for i := range r.Jobs {
		states = max(states, terminal.Width(signed(d.terminal, r.Jobs[i].State)))
		names = max(names, terminal.Width(r.Jobs[i].Name))
	}
	for i := range r.Jobs {
		j := &r.Jobs[i]
		d.add("  %s  %s  %6s  %s", terminal.Pad(signed(d.terminal, j.State), states), terminal.Pad(j.Name, names), length(j.Times.Took()), strings.Join(d.about(j), "; "))
	}
}

// about is what there is to say of a job.
func (d *description) about(j *view.Job) []string {
	var said []string
	say := func(is bool, format string, args ...any) {
		if is {
			said = append(said, fmt.Sprintf(format, args...))
		}
	}
	say(j.Why != "", "%s", j.Why)
	if tests := j.Tests; tests != nil {
		say(tests.Said != "", "%s", tests.Said)
	}
	say(!j.Since.IsZero() && !j.State.Ended(), "for %s", length(d.now.Sub(j.Since)))
	say(j.State == view.Waiting && j.Why == "" && len(j.Missing) > 0, "needs %s", strings.Join(j.Missing, ", "))
	say(j.Attempts > 1, "attempt %d", j.Attempts)
	say(j.Disruptions > 0, "%d disrupted", j.Disruptions)
	if a := j.Approval; a != nil {
		say(!a.Until.IsZero(), "until %s", a.Until.UTC().Format("2006-01-02 15:04 UTC"))
		say(a.By != "", "approved by %s", a.By)
	}
	return said
}

func (d *description) services() {
	if len(d.run.Services) == 0 {
		return
	}
	d.section("Services")
	for _, s := range d.run.Services {
		since := ""
		if !s.Since.IsZero() && !s.State.Ended() {
			since = "for " + length(d.now.Sub(s.Since))
		}
		d.add("  %s  %s  %s", signed(d.terminal, s.State), s.Name, strings.Trim(s.Why+"; "+since, "; "))
	}
}

func (d *description) outputs() {
	first := true
	for i := range d.run.Jobs {
		for _, output := range d.run.Jobs[i].Outputs {
			if first {
				d.section("Outputs")
			}
			first = false
			d.add("  %s  %s=%s", d.run.Jobs[i].Name, output.Name, value(output.Value))
		}
	}
}

func (d *description) failedTests() {
	first := true
	for i := range d.run.Jobs {
		j := &d.run.Jobs[i]
		if j.Tests == nil || len(j.Tests.Failures) == 0 {
			continue
		}
		if first {
			d.section("Failed tests")
		}
		first = false
		for _, test := range j.Tests.Failures {
			d.add("  %s  %s", j.Name, strings.TrimSuffix(strings.TrimSpace(test.Class+" "+test.Name)+": "+value(test.Message), ": "))
		}
		if j.Tests.More > 0 {
			d.add("  %s  and %d more", j.Name, j.Tests.More)
		}
	}
}

func (d *description) warnings() {
	first := true
	for i := range d.run.Jobs {
		for _, warning := range d.run.Jobs[i].Warnings {
			if first {
				d.section("Warnings")
			}
			first = false
			d.add("  %s  %s", d.run.Jobs[i].Name, value(warning))
		}
	}
}

// history shows the newest events, the oldest of them first.
func (d *description) history() {
	if len(d.happened) == 0 {
		return
	}
	slices.SortStableFunc(d.happened, func(a, b corev1.Event) int { return cmp.Compare(last(&a).UnixNano(), last(&b).UnixNano()) })
	d.section("Events")
	for i := max(0, len(d.happened)-maxEvents); i < len(d.happened); i++ {
		e := &d.happened[i]
		about := strings.ToLower(e.InvolvedObject.Kind) + "/" + e.InvolvedObject.Name
		times := ""
		if e.Count > 1 {
			times = fmt.Sprintf(" (%d times)", e.Count)
		}
		d.add("  %s ago  %s  %s  %s%s", length(d.now.Sub(last(e))), printable.Text(e.Reason), printable.Text(about),
			value(strings.Join(strings.Fields(e.Message), " ")), times)
	}
}

// last is when the event was seen last. Which of its times is set depends on who wrote
// it.
func last(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil && !e.Series.LastObservedTime.IsZero():
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}
