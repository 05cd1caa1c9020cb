package plan

import "github.com/kayci/kayci/api/v1alpha1"

// Step is what to do next about a Run.
type Step string

const (
	// Nothing more is to be done in this look at the Run.
	Nothing Step = ""
	// Pin the Run: let it have what it takes from its Pipeline.
	Pin Step = "pin"
	// FindPlace finds out the Run's place among those of its concurrency key.
	FindPlace Step = "find place"
	// Claim a number, which jobs need that Decision.Number names.
	Claim Step = "claim"
	// Act creates, stops and ends what the decision names.
	Act Step = "act"
	// Tell has the notifiers tell of the phase.
	Tell Step = "tell"
	// Record stores the status.
	Record Step = "record"
)

// acts bounds how often one look at a Run acts on one state of it: the end of its
// last job, which may be one action, asks for another, the end of its services.
const acts = 2

// next returns what to do next. What can't be undone comes after the record that it
// rests on; what can, comes before, which saves a write: whoever goes on after a
// crash finds it there.
func (f *Facts) next(d *Decision, changed bool) Step {
	barred := f.Fault != nil || f.Delay != nil
	switch step := f.does(d); {
	case !barred && f.Unpinned:
		return Pin
	case !barred && f.ranks(d):
		return FindPlace
	case !barred && step != Nothing && (!f.recordsFirst() || !changed):
		return step
	case changed:
		return Record
	default:
		return Nothing
	}
}

// does returns what is to be done beside the record. That the Run has ended, nobody
// is told before it is recorded.
func (f *Facts) does(d *Decision) Step {
	ends := d.Status.Phase.Finished() && !f.Run.Status.Phase.Finished()
	switch {
	case !f.Spent && len(d.Number) > 0:
		return Claim
	case !f.Spent && f.Acted < acts && d.Acts():
		return Act
	case len(d.Notify) > 0 && !ends:
		return Tell
	default:
		return Nothing
	}
}

// ifStored does what can't be undone if the record is stored that it rests on. If
// not, it is decided again once the status is.
func ifStored(stored bool, act func()) {
	if stored {
		act()
	}
}

// ranks reports whether the Run's place matters and isn't known.
func (f *Facts) ranks(d *Decision) bool {
	switch p := f.Place; {
	case p == nil || !p.Released:
		return f.PlaceOpen
	case d.NeedsPlace && !p.Admitted:
		return p.Position == 0
	default:
		return f.PlaceOpen && f.Spec.Concurrency.Policy == v1alpha1.ConcurrencyReplace && p.ReplacedBy == ""
	}
}

// recordsFirst reports whether nothing is to be done before something is recorded.
func (f *Facts) recordsFirst() bool { return f.Admits() || len(f.Renamed) > 0 }

// Admits reports whether the Run's place allows or demands what isn't recorded of it
// yet: that it starts, or that it makes way.
func (f *Facts) Admits() bool {
	p, recorded := f.Place, f.Run.Status.Concurrency
	if p == nil {
		return false
	}
	if recorded == nil {
		return p.Admitted || p.ReplacedBy != ""
	}
	return p.Admitted && !recorded.Admitted || p.ReplacedBy != recorded.ReplacedBy
}
