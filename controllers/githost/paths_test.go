package githost_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestPathsAreBounded: a pull request of any number of files with long names costs a
// bounded memory, and no more requests than that takes.
func TestPathsAreBounded(t *testing.T) {
	t.Parallel()
	asked := 0
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		names := make([]string, 100)
		for i := range names {
			names[i] = fmt.Sprintf(`{"filename":"%d-%d-%s"}`, asked, i, strings.Repeat("x", 4000))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(names, ","))
	}))
	found, complete, err := open(t, v1alpha1.ProviderGitHub, api).ChangedPaths(t.Context(), "acme/web", byNumber)
	size := 0
	for _, path := range found {
		size += len(path)
	}
	if err != nil || complete || size > 1<<20 || size < 1<<19 || asked != 3 {
		t.Errorf("%d paths of %d bytes by %d requests, complete: %v, error: %v", len(found), size, asked, complete, err)
	}
}
