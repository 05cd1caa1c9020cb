package validation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	cron := func(text string) v1alpha1.Schedule { return v1alpha1.Schedule{Cron: text} }
	in := func(zone string) v1alpha1.Schedule { return v1alpha1.Schedule{Cron: "0 3 * * *", TimeZone: zone} }
	lasting := func(deadline, jitter time.Duration) v1alpha1.Schedule {
		return v1alpha1.Schedule{Cron: "0 3 * * *", StartingDeadline: &metav1.Duration{Duration: deadline}, Jitter: &metav1.Duration{Duration: jitter}}
	}
	const (
		macro = " is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"
		empty = "is empty: write minute, hour, day of the month, month and day of the week, as in 30 3 * * 1-5"
	)
	for name, tt := range map[string]struct {
		schedule v1alpha1.Schedule
		want     string
	}{
		"five fields":            {cron("30 3,15 1-7 */2 mon-fri"), ""},
		"a macro":                {cron("@daily"), ""},
		"a leap day":             {cron("0 0 29 2 *"), ""},
		"a zone":                 {in("Europe/Berlin"), ""},
		"bounds":                 {lasting(time.Minute, 24*time.Hour), ""},
		"empty":                  {cron(" "), `spec.schedule.cron: Invalid value: " ": ` + empty},
		"seconds":                {cron("0 30 3 * * *"), `spec.schedule.cron: Invalid value: "0 30 3 * * *": has six fields, and there are none for seconds or years: minute, hour, day of the month, month and day of the week`},
		"too few":                {cron("30 3 * *"), `spec.schedule.cron: Invalid value: "30 3 * *": can't be read: expected exactly 5 fields, found 4: [30 3 * *]`},
		"no number":              {cron("a 3 * * *"), `spec.schedule.cron: Invalid value: "a 3 * * *": can't be read: failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax`},
		"a minute of 60":         {cron("60 3 * * *"), `spec.schedule.cron: Invalid value: "60 3 * * *": can't be read: end of range (60) above maximum (59): 60`},
		"a time zone in it":      {cron("TZ=UTC 0 3 * * *"), `spec.schedule.cron: Invalid value: "TZ=UTC 0 3 * * *": has a time zone: timeZone is the field for it`},
		"and nothing else":       {cron("CRON_TZ=UTC"), `spec.schedule.cron: Invalid value: "CRON_TZ=UTC": has a time zone: timeZone is the field for it`},
		"every":                  {cron("@every 10s"), `spec.schedule.cron: Invalid value: "@every 10s": has no times of its own: write the minutes, as in */15 * * * *`},
		"no macro":               {cron("@reboot"), `spec.schedule.cron: Invalid value: "@reboot":` + macro},
		"more than a macro":      {cron("@daily 3"), `spec.schedule.cron: Invalid value: "@daily 3":` + macro},
		"a list of nothing":      {cron("0 3, * * *"), `spec.schedule.cron: Invalid value: "0 3, * * *": has a list with nothing between its commas`},
		"never":                  {cron("0 0 31 2 *"), `spec.schedule.cron: Invalid value: "0 0 31 2 *": names a day that doesn't come`},
		"a step of no end":       {cron("*/9223372036854775807 3 * * *"), ""},
		"no zone":                {in("Mars/Olympus"), `spec.schedule.timeZone: Invalid value: "Mars/Olympus": is no time zone of the IANA database: write one such as Europe/Berlin`},
		"a file":                 {in("../../etc/passwd"), `spec.schedule.timeZone: Invalid value: "../../etc/passwd": is no time zone of the IANA database: write one such as Europe/Berlin`},
		"the controller's":       {in("local"), `spec.schedule.timeZone: Invalid value: "local": is the controller's own time zone, whichever that is: name one, such as Europe/Berlin`},
		"a deadline of no use":   {lasting(time.Second, 0), `spec.schedule.startingDeadline: Invalid value: "1s": must be at least 1m0s`},
		"a jitter of two days":   {lasting(time.Hour, 48*time.Hour), `spec.schedule.jitter: Invalid value: "48h0m0s": must be at least 0s and at most 24h`},
		"a jitter into the past": {lasting(time.Hour, -time.Second), `spec.schedule.jitter: Invalid value: "-1s": must be at least 0s and at most 24h`},
		"a long list":            {cron(strings.Repeat("1,", 50) + "1 3 * * *"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trigger := &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}, Spec: v1alpha1.TriggerSpec{Pipeline: "web", Schedule: &tt.schedule}}
			var got string
			if err := validation.Trigger(trigger).ToAggregate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestTriggerHasOneSource(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spec v1alpha1.TriggerSpec
		want string
	}{
		"none": {v1alpha1.TriggerSpec{Pipeline: "web"}, "spec: Required value: webhook, schedule, run, poll or resource is missing: one of them starts the Runs"},
		"two": {
			v1alpha1.TriggerSpec{Pipeline: "web", Schedule: &v1alpha1.Schedule{Cron: "@daily"}, Webhook: &v1alpha1.Webhook{Provider: "github"}},
			"spec.webhook.secretRef.name: Required value: the Secret whose key `token` authenticates the sender, " +
				"spec: Forbidden: a Trigger has exactly one source of Runs, webhook, schedule, run, poll or resource: write a Trigger for each",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			errs := validation.Trigger(&v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}, Spec: tt.spec})
			if got := strings.Trim(errs.ToAggregate().Error(), "[]"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
