// Package plan decides what to do about a Run. It is pure: what was observed
// goes in, what to create, stop and end comes out, with the status that the
// observations amount to. The caller acts, adds the outcome to the facts and
// decides again: the second decision asks for nothing and holds the status to
// write. Deciding again from the same facts always gives the same, so a
// controller that is killed anywhere goes on where it was.
package plan

// Decide decides what to do about the Run. The status of a Run that has
// finished is never changed, but for what its notifiers come to; what is left of
// its Jobs may still be stopped.
func Decide(f *Facts) Decision {
	var d Decision
	services := f.services()
	if f.Run.Status.Phase.Finished() {
		f.decideFinished(services, &d)
		return d
	}
	h := f.halts(services)
	r := result{Facts: f, halt: h.run}
	r.services, d.serving = f.decideServices(services, h.run, &d)
	r.jobs = f.decideJobs(h, &d)
	f.failFast(r.jobs, h.run, &d)
	f.takeTurns(r.jobs, &d)
	f.awaitPlace(r.jobs, &d)
	d.Status = r.runStatus(services, &d)
	if left, limited := f.limit(&d.Status); limited && left > 0 && !d.Status.Phase.Finished() {
		d.requeue(left)
	}
	f.Notify(&d)
	return d
}

// decideFinished settles what is left of a Run that has finished.
func (f *Facts) decideFinished(services []service, d *Decision) {
	f.stopServices(services, d)
	f.decideJobs(halts{}, d)
	d.Status = *f.Run.Status.DeepCopy()
	f.deleteWorkspace(d)
	f.vacate(d)
	f.Notify(d)
}
