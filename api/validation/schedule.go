package validation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	minStartingDeadline = time.Minute
	maxJitter           = 24 * time.Hour
)

func validateSchedule(s *v1alpha1.Schedule, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if _, err := TimeZone(s.TimeZone); err != nil {
		errs = append(errs, field.Invalid(path.Child("timeZone"), s.TimeZone, err.Error()))
	}
	if _, err := Cron(s.Cron, time.UTC); err != nil {
		errs = append(errs, field.Invalid(path.Child("cron"), s.Cron, err.Error()))
	}
	errs = append(errs, validateAtLeast(s.StartingDeadline, minStartingDeadline, path.Child("startingDeadline"))...)
	if j := s.Jitter; j != nil && (j.Duration < 0 || j.Duration > maxJitter) {
		errs = append(errs, field.Invalid(path.Child("jitter"), j.Duration.String(), "must be at least 0s and at most 24h"))
	}
	return errs
}

// TimeZone returns the time zone of a schedule, or what is wrong with its name, to
// follow the name. Blank is UTC.
func TimeZone(name string) (*time.Location, error) {
	if strings.EqualFold(name, "Local") {
		return nil, errors.New("is the controller's own time zone, whichever that is: name one, such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("is no time zone of the IANA database: write one such as Europe/Berlin")
	}
	return zone, nil
}

// macros are the names that stand for a schedule. @every is none of them: its times
// depend on when it began.
func macros() []string {
	return []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
}

// Cron returns the schedule in a time zone, or what is wrong with it, to follow it.
func Cron(source string, zone *time.Location) (cron.Schedule, error) {
	fields := strings.Fields(source)
	switch {
	case len(fields) == 0:
		return nil, errors.New("is empty: write minute, hour, day of the month, month and day of the week, as in 30 3 * * 1-5")
	case strings.Contains(source, "TZ="):
		return nil, errors.New("has a time zone: timeZone is the field for it")
	case fields[0] == "@every":
		return nil, errors.New("has no times of its own: write the minutes, as in */15 * * * *")
	case strings.HasPrefix(fields[0], "@") && (len(fields) > 1 || !slices.Contains(macros(), fields[0])):
		return nil, fmt.Errorf("is none of %s", strings.Join(macros(), ", "))
	case len(fields) == 6:
		return nil, errors.New("has six fields, and there are none for seconds or years: minute, hour, day of the month, month and day of the week")
	case slices.ContainsFunc(fields, blankItem):
		return nil, errors.New("has a list with nothing between its commas")
	}
	parsed, err := cron.ParseStandard(source)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("is none of %s", strings.Join(macros(), ", "))
	}
	spec.Location = zone
	// Any date does: five years hold each day of the year.
	if spec.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("names a day that doesn't come")
	}
	return spec, nil
}

// blankItem reports whether a field's list has an empty item, which the parser takes
// for nothing: a schedule of such a field never comes.
func blankItem(list string) bool { return slices.Contains(strings.Split(list, ","), "") }
