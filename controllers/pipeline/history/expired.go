package history

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// defaultMinAge is for somebody to see how a Run ended before its logs go.
const defaultMinAge = time.Hour

// Expired returns the Pipeline's finished Runs beyond the bounds, oldest first, and
// how long it takes until the next one is, 0 for never.
func (r *Runs) Expired(pipeline types.UID, bounds *v1alpha1.Retention, now time.Time) (old []*v1alpha1.Run, next time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.of[pipeline]
	if of == nil || bounds == nil {
		return nil, 0
	}
	search := search{now: now, bounds: bounds}
	if bounds.MaxFailed == nil {
		search.part(&of.all, bounds.MaxCount)
	} else {
		search.part(&of.others, bounds.MaxCount)
		search.part(&of.failed, bounds.MaxFailed)
	}
	slices.SortFunc(search.old, order.Compare)
	return search.old, search.next
}

// search is a search for Runs that have expired, and for when the next one will.
type search struct {
	now    time.Time
	bounds *v1alpha1.Retention
	old    []*v1alpha1.Run
	next   time.Duration
}

// part searches Runs of which at most so many are to stay. A surplus one, of which
// enough newer ones are there, stays for the least age; the greatest age holds for
// all.
func (s *search) part(of *tree, most *int32) {
	surplus := 0
	if most != nil {
		surplus = max(0, of.len()-int(*most))
	}
	least := ptr.Deref(s.bounds.MinAge, metav1.Duration{Duration: defaultMinAge}).Duration
	if s.bounds.MaxAge != nil {
		least = min(least, s.bounds.MaxAge.Duration)
		s.between(of, surplus, of.len(), s.bounds.MaxAge.Duration)
	}
	s.between(of, 0, surplus, least)
}

// between searches the Runs from one place in their order to before another, which
// are kept for the age.
func (s *search) between(of *tree, from, to int, age time.Duration) {
	old, first := of.endedBy(s.now.Add(-age), from, to)
	s.old = append(s.old, old...)
	if first.IsZero() {
		return
	}
	if left := first.Add(age).Sub(s.now); s.next == 0 || left < s.next {
		s.next = left
	}
}
