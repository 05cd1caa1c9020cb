package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func scheduled(cron, zone string, edits ...func(*v1alpha1.Trigger)) *v1alpha1.Trigger {
	t := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "nightly", Generation: 1, CreationTimestamp: metav1.Time{Time: clockTime("2026-01-01T00:00:00Z")}},
		Spec:       v1alpha1.TriggerSpec{Pipeline: "web", Schedule: &v1alpha1.Schedule{Cron: cron, TimeZone: zone}},
	}
	for _, edit := range edits {
		edit(t)
	}
	return t
}

func clockTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func deadline(d time.Duration) func(*v1alpha1.Trigger) {
	return func(t *v1alpha1.Trigger) { t.Spec.Schedule.StartingDeadline = &metav1.Duration{Duration: d} }
}

func jitter(d time.Duration) func(*v1alpha1.Trigger) {
	return func(t *v1alpha1.Trigger) { t.Spec.Schedule.Jitter = &metav1.Duration{Duration: d} }
}

func TestTurns(t *testing.T) {
	t.Parallel()
	type turns struct{ Due, Missed, Next string }
	for name, tt := range map[string]struct {
		trigger    *v1alpha1.Trigger
		since, now string
		want       turns
	}{
		"not yet":             {scheduled("0 3 * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T02:59:59Z", turns{"", "", "2026-03-02T03:00:00Z"}},
		"on time":             {scheduled("0 3 * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T03:00:00Z", turns{"2026-03-02T03:00:00Z", "", "2026-03-03T03:00:00Z"}},
		"a little late":       {scheduled("0 3 * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T03:00:00.5Z", turns{"2026-03-02T03:00:00Z", "", "2026-03-03T03:00:00Z"}},
		"as late as may be":   {scheduled("0 3 * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T04:00:00Z", turns{"2026-03-02T03:00:00Z", "", "2026-03-03T03:00:00Z"}},
		"too late":            {scheduled("0 3 * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T04:00:01Z", turns{"", "2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z"}},
		"a longer deadline":   {scheduled("0 3 * * *", "", deadline(9*time.Hour)), "2026-03-01T03:00:00Z", "2026-03-02T11:00:00Z", turns{"2026-03-02T03:00:00Z", "", "2026-03-03T03:00:00Z"}},
		"a shorter one":       {scheduled("0 3 * * *", "", deadline(time.Minute)), "2026-03-01T03:00:00Z", "2026-03-02T03:02:00Z", turns{"", "2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z"}},
		"the last of several": {scheduled("*/10 * * * *", ""), "2026-03-01T03:00:00Z", "2026-03-02T02:59:59Z", turns{"2026-03-02T02:50:00Z", "", "2026-03-02T03:00:00Z"}},
		"the last of 15 million": {
			scheduled("* * * * *", ""), "1998-01-01T00:00:00Z", "2026-03-02T02:59:59Z", turns{"2026-03-02T02:59:00Z", "", "2026-03-02T03:00:00Z"},
		},
		"irregular times":    {scheduled("30 6-16/4 * * 1-5", ""), "2026-03-06T06:30:00Z", "2026-03-09T06:29:00Z", turns{"", "2026-03-06T14:30:00Z", "2026-03-09T06:30:00Z"}},
		"either day will do": {scheduled("0 3 13 * 5", ""), "2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z", turns{"", "2026-03-06T03:00:00Z", "2026-03-13T03:00:00Z"}},
		"a leap day":         {scheduled("0 0 29 2 *", ""), "2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z", turns{"", "", "2028-02-29T00:00:00Z"}},
		"a macro":            {scheduled("@weekly", "Asia/Tokyo"), "2026-03-01T00:00:00Z", "2026-03-07T15:00:00Z", turns{"2026-03-07T15:00:00Z", "", "2026-03-14T15:00:00Z"}},
		"since is ahead":     {scheduled("0 3 * * *", ""), "2026-03-05T03:00:00Z", "2026-03-02T03:00:00Z", turns{"", "", "2026-03-06T03:00:00Z"}},

		"a zone":                             {scheduled("0 3 * * *", "Europe/Berlin"), "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z", turns{"2026-03-02T02:00:00Z", "", "2026-03-03T02:00:00Z"}},
		"Berlin skips the hour from 2 on":    {scheduled("30 2 * * *", "Europe/Berlin"), "2026-03-28T01:30:00Z", "2026-03-29T12:00:00Z", turns{"", "", "2026-03-30T00:30:00Z"}},
		"each hour, and one is skipped":      {scheduled("0 * * * *", "Europe/Berlin"), "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", turns{"2026-03-29T01:00:00Z", "", "2026-03-29T02:00:00Z"}},
		"Berlin repeats that hour: first":    {scheduled("30 2 * * *", "Europe/Berlin"), "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", turns{"2026-10-25T00:30:00Z", "", "2026-10-25T01:30:00Z"}},
		"Berlin repeats that hour: second":   {scheduled("30 2 * * *", "Europe/Berlin"), "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", turns{"2026-10-25T01:30:00Z", "", "2026-10-26T01:30:00Z"}},
		"New York skips the hour from 2 on":  {scheduled("15 2 * * *", "America/New_York"), "2026-03-07T07:15:00Z", "2026-03-08T23:00:00Z", turns{"", "", "2026-03-09T06:15:00Z"}},
		"New York repeats the hour from 1":   {scheduled("15 1 * * *", "America/New_York"), "2026-11-01T05:15:00Z", "2026-11-01T06:15:00Z", turns{"2026-11-01T06:15:00Z", "", "2026-11-02T06:15:00Z"}},
		"Cairo has no midnight that day":     {scheduled("0 12 * * *", "Africa/Cairo"), "2026-04-23T20:00:00Z", "2026-04-23T20:00:00Z", turns{"", "", "2026-04-24T09:00:00Z"}},
		"a limit: and it is named":           {scheduled("0 12 24 4 *", "Africa/Cairo"), "2026-04-20T00:00:00Z", "2026-04-20T08:59:00Z", turns{"", "", "2027-04-24T10:00:00Z"}},
		"the delay comes on top":             {scheduled("0 3 * * *", "", jitter(time.Hour)), "2026-03-01T03:00:00Z", "2026-03-02T03:10:00Z", turns{"", "", "2026-03-02T03:50:35Z"}},
		"and doesn't count as late":          {scheduled("0 3 * * *", "", jitter(time.Hour), deadline(time.Minute)), "2026-03-01T03:00:00Z", "2026-03-02T03:51:00Z", turns{"2026-03-02T03:00:00Z", "", "2026-03-03T03:50:35Z"}},
		"a delay longer than the time apart": {scheduled("*/10 * * * *", "", jitter(time.Hour)), "2026-03-02T02:10:00Z", "2026-03-02T03:10:40Z", turns{"2026-03-02T02:20:00Z", "", "2026-03-02T03:20:35Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schedule, err := newTimes(tt.trigger)
			if err != nil {
				t.Fatal(err)
			}
			found := schedule.at(clockTime(tt.since), clockTime(tt.now))
			if diff := cmp.Diff(tt.want, turns{written(found.due), written(found.missed), written(found.next)}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// countedCron counts how often it is asked.
type countedCron struct {
	times
	asked int
}

func (c *countedCron) Next(t time.Time) time.Time {
	c.asked++
	return c.cron.Next(t)
}

func TestManyMissedTimesAreNotGoneThrough(t *testing.T) {
	t.Parallel()
	schedule, err := newTimes(scheduled("* * * * *", ""))
	if err != nil {
		t.Fatal(err)
	}
	counted := &countedCron{times: schedule}
	got := times{cron: counted}.last(clockTime("1970-01-01T00:00:00Z"), clockTime("2026-03-02T02:59:59Z"))
	if written(got) != "2026-03-02T02:59:00Z" || counted.asked > 40 {
		t.Errorf("%s, after %d looks", written(got), counted.asked)
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		d := delay("ci", name, 10*time.Minute)
		if d < 0 || d > 10*time.Minute || d != d.Truncate(time.Second) || d != delay("ci", name, 10*time.Minute) {
			t.Errorf("%s: %s", name, d)
		}
		seen[d] = true
	}
	if len(seen) < 4 {
		t.Errorf("six Triggers are delayed by %v", seen)
	}
	if d := delay("ci", "a", 999*time.Millisecond); d != 0 {
		t.Errorf("less than a second is %s", d)
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	at := func(text string) *metav1.Time { return &metav1.Time{Time: clockTime(text)} }
	now, known := "2026-03-02T03:00:00Z", at("2026-02-01T00:00:00Z")
	status := func(edits ...func(*v1alpha1.ScheduleStatus)) func(*v1alpha1.Trigger) {
		s := &v1alpha1.ScheduleStatus{Cron: "0 3 * * *", TimeZone: "Europe/Berlin", Since: known}
		for _, edit := range edits {
			edit(s)
		}
		return func(trigger *v1alpha1.Trigger) { trigger.Status.Schedule = s }
	}
	changed := func(trigger *v1alpha1.Trigger) { trigger.Generation = 2 }
	suspended := func(trigger *v1alpha1.Trigger) { trigger.Spec.Suspend = true }
	wasSuspended := func(s *v1alpha1.ScheduleStatus) { s.Suspended = true }
	otherCron := func(s *v1alpha1.ScheduleStatus) { s.Cron = "0 2 * * *" }
	otherZone := func(s *v1alpha1.ScheduleStatus) { s.TimeZone = "" }
	type begun struct {
		Since     *metav1.Time
		Suspended bool
	}
	for name, tt := range map[string]struct {
		edits []func(*v1alpha1.Trigger)
		want  begun
	}{
		"new, seen late":      {nil, begun{at("2026-01-01T00:00:00Z"), false}},
		"another source's":    {[]func(*v1alpha1.Trigger){changed}, begun{at(now), false}},
		"known":               {[]func(*v1alpha1.Trigger){changed, status()}, begun{known, false}},
		"another cron":        {[]func(*v1alpha1.Trigger){changed, status(otherCron)}, begun{at(now), false}},
		"another time zone":   {[]func(*v1alpha1.Trigger){changed, status(otherZone)}, begun{at(now), false}},
		"suspended":           {[]func(*v1alpha1.Trigger){suspended, status()}, begun{known, true}},
		"suspended for long":  {[]func(*v1alpha1.Trigger){suspended, status(wasSuspended)}, begun{known, true}},
		"resumed":             {[]func(*v1alpha1.Trigger){status(wasSuspended)}, begun{at(now), false}},
		"suspended when made": {[]func(*v1alpha1.Trigger){suspended}, begun{at("2026-01-01T00:00:00Z"), true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trigger := scheduled("0 3 * * *", "Europe/Berlin", tt.edits...)
			want := v1alpha1.ScheduleStatus{Cron: "0 3 * * *", TimeZone: "Europe/Berlin", Since: tt.want.Since, Suspended: tt.want.Suspended}
			if diff := cmp.Diff(want, begin(trigger, clockTime(now).Add(300*time.Millisecond))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
