package web

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
