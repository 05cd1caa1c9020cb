package serve_test

import (
	"testing"

	"github.com/kayci/kayci/test/stored"
)

// TestHalfClosed: who stops sending while the store is busy, and still listens, isn't told
// that all is well.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if said := stored.HalfClosed(t, w.bucket, w.Config.Handler, ofRun, "token-of-runs"); said != "" {
		t.Errorf("it is told %q", said)
	}
}
