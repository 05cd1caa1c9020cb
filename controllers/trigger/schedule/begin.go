package schedule

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// begin returns what is known of a Trigger's schedule: what its status says, if that
// is about the schedule as it is now. Otherwise times count from now on; those of a
// new Trigger from its creation, which KayCI may see late.
func begin(trigger *v1alpha1.Trigger, now time.Time) v1alpha1.ScheduleStatus {
	spec, known := trigger.Spec.Schedule, trigger.Status.Schedule
	begun := v1alpha1.ScheduleStatus{Cron: spec.Cron, TimeZone: spec.TimeZone, Suspended: trigger.Spec.Suspend, Since: stored(now)}
	switch {
	case known == nil && trigger.Generation <= 1:
		begun.Since = stored(trigger.CreationTimestamp.Time)
	case known == nil || known.Cron != spec.Cron || known.TimeZone != spec.TimeZone:
	case known.Suspended && !trigger.Spec.Suspend:
	case known.Since != nil:
		begun.Since = known.Since.DeepCopy()
	}
	return begun
}

// after returns the time up to which nothing is started any more.
func after(begun *v1alpha1.ScheduleStatus, last *metav1.Time) time.Time {
	if last != nil && begun.Since.Before(last) {
		return last.Time
	}
	return begun.Since.Time
}

// stored is a time as the API server keeps it, or nil for none.
func stored(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.Truncate(time.Second)}
}
