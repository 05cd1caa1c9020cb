package githost_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/githost"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	down, limited := errors.New("no answer"), fault.NewWait("RateLimited", "too many", time.Hour)
	for name, tt := range map[string]struct {
		most time.Duration
		// after each of these, one follows when the host may be asked again.
		errors []error
		// together: they come at the same time.
		together bool
		want     []time.Duration
	}{
		"a host that is down":          {errors: []error{down, down, down}, want: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"for long":                     {most: 3 * time.Second, errors: []error{down, down, down, down}, want: []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second}},
		"for many at once":             {errors: []error{down, down, down}, together: true, want: []time.Duration{time.Second, time.Second, time.Second}},
		"a host that has had enough":   {most: time.Second, errors: []error{limited}, want: []time.Duration{time.Hour}},
		"that fails then":              {errors: []error{limited, down}, together: true, want: []time.Duration{time.Hour, time.Hour}},
		"what a person is to end":      {errors: []error{fault.New("Forbidden", "no")}, want: []time.Duration{0}},
		"one answer of a host is good": {errors: []error{down, nil, down}, want: []time.Duration{time.Second, 0, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			breaker := githost.Breaker[string]{Most: tt.most}
			now := noon
			var got []time.Duration
			for _, err := range tt.errors {
				if err == nil {
					breaker.Close("host")
				} else {
					breaker.Note("host", err, now)
				}
				left := breaker.Left("host", now)
				got = append(got, left)
				if !tt.together {
					now = now.Add(left)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || breaker.Left("another", now) != 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBreakerForgets: hosts that nobody asks any more cost no memory.
func TestBreakerForgets(t *testing.T) {
	t.Parallel()
	var breaker githost.Breaker[int]
	for host := range 10_000 {
		breaker.Note(host, errors.New("no answer"), noon.Add(time.Duration(host)*time.Second))
	}
	if kept := breaker.Len(); kept > 1001 {
		t.Errorf("%d are kept", kept)
	}
}
