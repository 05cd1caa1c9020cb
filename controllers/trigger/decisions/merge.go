package decisions

import (
	"slices"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Limits of a decision's texts, in characters. A status of 20 decisions stays
// below 20 kB.
const (
	maxReason   = 400
	maxDelivery = 253
)

// shown is the decision fit for a status.
func shown(d v1alpha1.Decision) v1alpha1.Decision {
	d.Time = d.Time.Rfc3339Copy()
	d.Reason = printable.Cut(printable.Text(d.Reason), maxReason)
	d.Delivery = printable.Cut(printable.Text(d.Delivery), maxDelivery)
	return d
}

// batch is what a Trigger has decided since its status was written, oldest first.
type batch struct {
	taken []v1alpha1.Decision
}

// add drops the oldest decision where there are too many, and says so at the next.
func (b *batch) add(d v1alpha1.Decision) {
	b.taken = append(b.taken, d)
	if len(b.taken) > v1alpha1.MaxRecent {
		b.taken[1].Omitted += 1 + b.taken[0].Omitted
		b.taken = slices.Delete(b.taken, 0, 1)
	}
}

// merge puts what was decided before the newest of a status, which stands first.
func (b *batch) merge(recent []v1alpha1.Decision) []v1alpha1.Decision {
	merged := slices.Clone(b.taken)
	slices.Reverse(merged)
	merged = append(merged, recent...)
	// Replicas write in turn, each what it has decided.
	slices.SortStableFunc(merged, func(x, y v1alpha1.Decision) int { return y.Time.Compare(x.Time.Time) })
	return merged[:min(len(merged), v1alpha1.MaxRecent)]
}
