package tests

// MaxEarlier is how many earlier reports are looked at.
const MaxEarlier = 20

// Trend is what earlier reports say of a case that failed now.
type Trend struct {
	// ID is the case's.
	ID    string `json:"id"`
	Suite string `json:"suite,omitempty"`
	Class string `json:"class,omitempty"`
	Name  string `json:"name"`
	// New is set if it passed when it ran last, or never ran.
	New bool `json:"new,omitempty"`
	// Failed are how many of the earlier reports have it as failed, and Of those that
	// have it as failed or passed.
	Failed int `json:"failed,omitempty"`
	Of     int `json:"of,omitempty"`
	// Flaky is set if it seems to fail by chance: if it was flaky in an earlier report,
	// or it failed, passed and failed again. That is a hint.
	Flaky bool `json:"flaky,omitempty"`
}

// history is what one case did, from now on backwards.
type history struct {
	Trend
	last     State
	switches int
}

// Compare returns a Trend for each case that failed, in the report's order. Earlier
// reports are of the same job, newest first. One that skipped or omitted the case says
// nothing of it.
func Compare(now *Report, earlier []*Report) []Trend {
	var order []*history
	found := map[key]*history{}
	for _, c := range now.Cases {
		if _, twice := found[c.key()]; c.State != Failed || twice {
			continue
		}
		h := &history{Trend: Trend{ID: c.ID(), Suite: c.Suite, Class: c.Class, Name: c.Name, New: true}, last: Failed}
		found[c.key()] = h
		order = append(order, h)
	}
	for _, report := range earlier[:min(len(earlier), MaxEarlier)] {
		for of, was := range states(report, found) {
			found[of].add(was)
		}
	}
	trends := make([]Trend, len(order))
	for i, h := range order {
		h.Flaky = h.Flaky || h.switches > 1
		trends[i] = h.Trend
	}
	return trends
}

// About returns the report with no more than what [Compare] asks it about the cases that
// failed now.
func (r *Report) About(now *Report) *Report {
	failed := map[key]bool{}
	for i := range now.Cases {
		if now.Cases[i].State == Failed {
			failed[now.Cases[i].key()] = true
		}
	}
	about := &Report{}
	for i := range r.Cases {
		if c := &r.Cases[i]; failed[c.key()] {
			about.Cases = append(about.Cases, Case{Suite: c.Suite, Class: c.Class, Name: c.Name, State: c.State, Flaky: c.Flaky})
		}
	}
	return about
}

// outcome is what a report says of a case.
type outcome struct {
	state State
	flaky bool
}

// states returns what a report says of the cases that are looked for. Where several
// files have a case, it failed if it did in any.
func states(report *Report, wanted map[key]*history) map[key]outcome {
	states := map[key]outcome{}
	for i := range report.Cases {
		c := &report.Cases[i]
		if wanted[c.key()] == nil || c.State == Skipped {
			continue
		}
		was := states[c.key()]
		if was.state != Failed {
			was.state = c.State
		}
		was.flaky = was.flaky || c.Flaky
		states[c.key()] = was
	}
	return states
}

func (h *history) add(was outcome) {
	if h.Of == 0 {
		h.New = was.state != Failed
	}
	h.Of++
	if was.state == Failed {
		h.Failed++
	}
	if was.state != h.last {
		h.switches++
	}
	h.last = was.state
	h.Flaky = h.Flaky || was.flaky
}
