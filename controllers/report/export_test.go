package report

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// RunNews and TriggerNews are what wakes a Reporter.
func RunNews() predicate.Predicate { return runNews() }

// TriggerNews is the same for Triggers.
func TriggerNews() predicate.Predicate { return triggerNews() }

// Open is what a Trigger's change wakes.
func (r *Reporter) Open(ctx context.Context, trigger client.Object) []reconcile.Request {
	return r.open(ctx, trigger)
}

// Remembered is how much a Reporter holds in memory: posts, and hosts that are away.
func (r *Reporter) Remembered() (posts, away int) { return len(r.told.posts), r.breaker.Len() }
