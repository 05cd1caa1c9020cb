package web

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testclock "k8s.io/utils/clock/testing"
)

// TestStreamsEnd: a stream ends with the session of its viewer, and with the process.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock, stopping := testclock.NewFakeClock(begin), make(chan struct{})
	s := &server{Options: Options{Clock: clock, Stopping: stopping}}
	long, cancelLong := s.untilOver(t.Context(), begin.Add(2*time.Hour))
	defer cancelLong()
	short, cancelShort := s.untilOver(t.Context(), begin.Add(time.Hour))
	defer cancelShort()
	endless, cancelEndless := s.untilOver(t.Context(), time.Time{})
	defer cancelEndless()
	closed, cancelClosed := s.untilOver(t.Context(), begin.Add(time.Hour))
	cancelClosed()
	clock.SetTime(begin.Add(time.Hour))
	<-short.Done()
	if !expired(short) || expired(closed) || long.Err() != nil || endless.Err() != nil {
		t.Errorf("after an hour: %v, %v, %v, %v", context.Cause(short), context.Cause(closed), long.Err(), endless.Err())
	}
	close(stopping)
	<-long.Done()
	<-endless.Done()
	if expired(long) || expired(endless) || !errors.Is(endless.Err(), context.Canceled) {
		t.Errorf("at the end of the process: %v, %v", context.Cause(long), context.Cause(endless))
	}
}

// Whatever ends a line of the data begins no field of another event.
func TestEventsHoldTheirData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ data, want string }{
		"nothing":          {"", "id: 7\nevent: run\ndata: \n\n"},
		"lines":            {"a\nb", "id: 7\nevent: run\ndata: a\ndata: b\n\n"},
		"carriage returns": {"a\revent: end\r\nb", "id: 7\nevent: run\ndata: a\ndata: event: end\ndata: b\n\n"},
	} {
		w := httptest.NewRecorder()
		if err := newEvents(w).send("run", "7", tt.data); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
