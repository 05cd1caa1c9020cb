package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"

	"github.com/kayci/kayci/web/viewer"
)

// TestUntilExpired: a log isn't followed for longer than the viewer's token lasts.
func TestUntilExpired(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := &server{Options: Options{Clock: testclock.NewFakeClock(now)}}
	until := func(end time.Time) string {
		return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, end.Unix())) + ".sig"
	}
	for name, tt := range map[string]struct {
		token   string
		expired bool
	}{
		"over":             {until(now), true},
		"an hour more":     {until(now.Add(time.Hour)), false},
		"it doesn't say":   {"opaque", false},
		"nothing is known": {"", false},
	} {
		ctx := viewer.With(t.Context(), &viewer.Viewer{Token: tt.token})
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		got, cancel := s.untilExpired(ctx, s.sessionEnd(request))
		if expired := errors.Is(context.Cause(got), viewer.ErrExpired); expired != tt.expired {
			t.Errorf("%s: expired is %v", name, expired)
		}
		cancel()
	}
}
