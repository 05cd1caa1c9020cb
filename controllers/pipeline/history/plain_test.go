package history_test

import (
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/order"
)

// randomRun is one of few names, in any state.
func randomRun(random *rand.Rand) *v1alpha1.Run {
	name := string(rune('a' + random.IntN(26)))
	phases := []v1alpha1.RunPhase{"", v1alpha1.RunQueued, v1alpha1.RunRunning, v1alpha1.RunSucceeded, v1alpha1.RunFailed, v1alpha1.RunFailed, v1alpha1.RunCancelled}
	run := active(name, random.IntN(100), random.Int64N(100), phases[random.IntN(len(phases))])
	run.Spec.Revision = []string{"", "a", "b"}[random.IntN(3)]
	if run.Status.Phase.Finished() && random.IntN(10) > 0 {
		run.Status.CompletionTime = new(at(random.IntN(100)))
	}
	switch random.IntN(20) {
	case 0:
		run.DeletionTimestamp = new(at(0))
	case 1:
		run.OwnerReferences[0].UID = "other"
	case 2:
		run.OwnerReferences = nil
	case 3:
		run.Labels = nil
	}
	return run
}

func randomBounds(random *rand.Rand) *v1alpha1.Retention {
	var bounds v1alpha1.Retention
	for _, most := range []**int32{&bounds.MaxCount, &bounds.MaxFailed} {
		if random.IntN(2) == 0 {
			*most = new(random.Int32N(12))
		}
	}
	for _, age := range []**metav1.Duration{&bounds.MinAge, &bounds.MaxAge} {
		if random.IntN(2) == 0 {
			*age = &metav1.Duration{Duration: time.Duration(random.IntN(100)) * time.Minute}
		}
	}
	return &bounds
}

// counts reports whether the Run is one of web.
func counts(run *v1alpha1.Run) bool {
	return run.DeletionTimestamp == nil && len(run.OwnerReferences) > 0 && run.OwnerReferences[0].UID == web && run.Labels != nil
}

func plainActive(all map[types.UID]*v1alpha1.Run) []string {
	var active []string
	for _, run := range all {
		if counts(run) && !run.Status.Phase.Finished() {
			active = append(active, run.Name)
		}
	}
	slices.Sort(active)
	return active
}

func plainPins(all map[types.UID]*v1alpha1.Run, revision string) bool {
	for _, run := range all {
		if run.Spec.Revision == revision {
			return true
		}
	}
	return false
}

// plainExpired looks at every Run.
func plainExpired(runs []*v1alpha1.Run, bounds *v1alpha1.Retention, now time.Time) (old []*v1alpha1.Run, next time.Duration) {
	runs = slices.DeleteFunc(runs, func(run *v1alpha1.Run) bool { return !counts(run) || !run.Status.Phase.Finished() })
	slices.SortFunc(runs, func(a, b *v1alpha1.Run) int { return order.Compare(b, a) })
	var failed, others int32
	for _, run := range runs {
		count, most := &others, bounds.MaxCount
		if bounds.MaxFailed != nil && run.Status.Phase == v1alpha1.RunFailed {
			count, most = &failed, bounds.MaxFailed
		}
		*count++
		var ages []time.Duration
		if most != nil && *count > *most {
			ages = append(ages, ptr.Deref(bounds.MinAge, metav1.Duration{Duration: time.Hour}).Duration)
		}
		if bounds.MaxAge != nil {
			ages = append(ages, bounds.MaxAge.Duration)
		}
		if len(ages) == 0 {
			continue
		}
		ended := ptr.Deref(run.Status.CompletionTime, run.CreationTimestamp)
		switch left := ended.Add(slices.Min(ages)).Sub(now); {
		case left <= 0:
			old = append(old, run)
		case next == 0 || left < next:
			next = left
		}
	}
	slices.Reverse(old)
	return old, next
}
