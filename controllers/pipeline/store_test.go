package pipeline_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// TestRetentionWaitsForTheStore: until it has what the Run leaves behind, for some minutes
// and no longer.
func TestRetentionWaitsForTheStore(t *testing.T) {
	t.Parallel()
	condition := func(status metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.StoredCondition, Status: status, Reason: "Any"}}
	}
	for _, tt := range []struct {
		name       string
		wait       time.Duration
		conditions []metav1.Condition
		after      time.Duration // since the Run has ended
		stays      bool
	}{
		{name: "without a store"},
		{name: "not yet", wait: 10 * time.Minute, after: 9 * time.Minute, stays: true},
		{name: "not for now", wait: 10 * time.Minute, conditions: condition("False"), after: 9 * time.Minute, stays: true},
		{name: "stored", wait: 10 * time.Minute, conditions: condition("True")},
		{name: "not for long", wait: 10 * time.Minute, after: 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old := run("r1", 1, v1alpha1.RunSucceeded)
			old.Status.Conditions = append(old.Status.Conditions, tt.conditions...)
			w := newWorld(t, web(), revision.New(web(), 1), old, run("r2", 2, v1alpha1.RunSucceeded), run("r3", 3, v1alpha1.RunSucceeded))
			w.StoreWait = tt.wait
			w.clock.SetTime(old.Status.CompletionTime.Add(tt.after))
			_, after := w.reconcile()
			if got := slices.Contains(w.runs(), "r1"); got != tt.stays || (after > 0) != tt.stays {
				t.Errorf("the Run stays: %t, another look after %s; want %t", got, after, tt.stays)
			}
		})
	}
}
