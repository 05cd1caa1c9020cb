package web

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEndpoints: all that is answered stands in a file that other tests go by, so that
// none is forgotten there.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	var patterns strings.Builder
	for _, route := range (&server{}).table() {
		patterns.WriteString(route.pattern + "\n")
	}
	want, err := os.ReadFile("testdata/endpoints.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), patterns.String()); diff != "" {
		t.Errorf("testdata/endpoints.txt (-want +got):\n%s", diff)
	}
}
