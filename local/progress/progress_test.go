package progress

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock moves on by a second each time that it is asked.
func clock() func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time { now = now.Add(time.Second); return now }
}

func TestStep(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, false, clock())
	failure := errors.New("no")
	if err := p.Step("cooking", func(func(string)) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := p.Step("eating", func(func(string)) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	p.Say("%d left", 3)
	want := "   1.0s  cooking: done\n   2.0s  eating: failed\n   3.0s  3 left\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestStepOnTerminal(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, true, clock())
	if err := p.Step("cooking", func(func(string)) error { return nil }); err != nil {
		t.Error(err)
	}
	want := "\r   1.0s  cooking …\x1b[K\r   2.0s  cooking: done\x1b[K\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWait(t *testing.T) {
	never := func(context.Context) error { return nil }
	notYet, dead := errors.New("not yet"), errors.New("dead")
	asked := 0
	for _, tc := range []struct {
		name      string
		limit     time.Duration
		ask, stop func(context.Context) error
		want      error
	}{
		{"at the third time", time.Minute, func(context.Context) error {
			if asked++; asked < 3 {
				return notYet
			}
			return nil
		}, never, nil},
		{"in vain", time.Millisecond, func(context.Context) error { return notYet }, never, notYet},
		{"for the dead", time.Minute, func(context.Context) error { return notYet }, func(context.Context) error { return dead }, dead},
	} {
		p := New(&bytes.Buffer{}, false, clock())
		if err := p.Wait(t.Context(), "it is done", tc.limit, tc.ask, tc.stop); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}
