// Package plan decides what to do about a Run. It is pure: what was observed
// goes in, what to create, stop and end comes out, with the status that the
// observations amount to. The caller takes the step that the decision names, adds
// the outcome to the facts and decides again, until there is nothing to do.
// Deciding again from the same facts always gives the same, so a controller that is
// killed anywhere goes on where it was.
//
// Pods are stopped, which keeps them and their logs. Jobs are ended: then nothing of
// them starts again. Statuses are finished: they get the phase that stays.
package plan

import "k8s.io/apimachinery/pkg/api/equality"

// Decide decides what to do about the Run. The status of a Run that has
// finished is never changed, but for what its notifiers come to; what is left of
// its Jobs may still be stopped.
func Decide(f *Facts) Decision {
	var d Decision
	switch {
	case f.Fault != nil:
		d.Status = f.faulty()
		f.notify(&d)
	case f.Delay != nil:
		d.Status = f.delayed()
		d.requeue(f.Delay.After)
	case f.Unpinned:
		// There is nothing to decide from.
	case f.Run.Status.Phase.Finished():
		f.decideFinished(&d)
	default:
		f.decideActive(&d)
	}
	d.Status.Renamed = append(d.Status.Renamed, f.Renamed...)
	changed := !equality.Semantic.DeepEqual(&f.Run.Status, &d.Status)
	if changed {
		f.stamp(&d)
	}
	d.Step = f.next(&d, changed)
	return d
}

func (f *Facts) decideActive(d *Decision) {
	services := f.services()
	h := f.halts(services)
	r := result{Facts: f, halt: h.run}
	r.services, d.serving = f.decideServices(services, h.run, d)
	r.jobs = f.decideJobs(h, d)
	f.failFast(r.jobs, h.run, d)
	f.takeTurns(r.jobs, d)
	f.awaitPlace(r.jobs, d)
	d.Status = r.runStatus(services, d)
	if left, limited := f.limit(&d.Status); limited && left > 0 && !d.Status.Phase.Finished() {
		d.requeue(left)
	}
	if d.Status.Phase.Finished() || !f.recordsFirst() {
		// Once that is recorded, the Run may come to its next phase at once.
		f.notify(d)
	}
}

// decideFinished ends what is left of a Run that has finished.
func (f *Facts) decideFinished(d *Decision) {
	f.endRestOfServices(f.services(), d)
	f.decideJobs(halts{}, d)
	d.Status = *f.Run.Status.DeepCopy()
	f.deleteWorkspace(d)
	f.vacate(d)
	f.notify(d)
}
