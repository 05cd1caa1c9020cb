package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultStartingDeadline is the starting deadline of a schedule that gives none.
const DefaultStartingDeadline = time.Hour

// Schedule starts Runs by the clock.
type Schedule struct {
	// Cron says when: minute, hour, day of the month, month and day of the week, as in
	// `30 3 * * 1-5`, or one of @hourly, @daily, @weekly, @monthly and @yearly. Where
	// both days are given, either will do. A time that a change of the clock skips
	// starts nothing that day, one that it repeats starts two Runs.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Cron string `json:"cron"`

	// TimeZone of the schedule, a name of the IANA database: Europe/Berlin. Default:
	// UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// StartingDeadline is how late a Run may be started, after a time that could not be
	// kept: KayCI was down, or the Pipeline was missing. Of several times that were
	// missed the last one counts. At least 1m. Default: 1h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m')",message="startingDeadline must be at least 1m"
	StartingDeadline *metav1.Duration `json:"startingDeadline,omitempty"`

	// Jitter delays the Runs by a part of this time, which the Trigger's namespace and
	// name decide, so that Triggers of one schedule don't all start at once. Each Run of
	// a Trigger is delayed alike. At most 24h. Default: none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="jitter must be at least 0s and at most 24h"
	Jitter *metav1.Duration `json:"jitter,omitempty"`
}

// ScheduleStatus is what is known of a schedule. What it says is about this cron and
// time zone: with others it begins anew.
type ScheduleStatus struct {
	// Cron and TimeZone are those of the schedule that was seen last.
	Cron string `json:"cron"`
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// Since is the time up to which nothing is started any more: the Trigger was
	// created then, the schedule was changed, it was resumed, or a time was missed.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`

	// Suspended says that the Trigger was last seen suspended: times that pass until it
	// is resumed start nothing.
	// +optional
	Suspended bool `json:"suspended,omitempty"`
}
