package controllers

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// What fails is tried again within half a minute, however often it has failed,
// and one controller's failures don't slow another's.
func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	one, other := controllerOptions().RateLimiter, controllerOptions().RateLimiter
	var last time.Duration
	for range 100 {
		after := one.When(reconcile.Request{})
		if after < last || after > 30*time.Second {
			t.Fatalf("tried again after %s, and after %s before that; at most 30s", after, last)
		}
		last = after
	}
	if last != 30*time.Second {
		t.Errorf("at last tried again after %s, want 30s", last)
	}
	if first := other.When(reconcile.Request{}); first > time.Second {
		t.Errorf("another controller waits for %s after its first failure", first)
	}
}
