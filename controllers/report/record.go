package report

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// maxMessage bounds a condition's message, in characters: Runs are kept for long.
const maxMessage = 600

func isReported(run *v1alpha1.Run) bool {
	return meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.ReportedCondition)
}

func reported(by *post) metav1.Condition {
	kind := "commit's status"
	if by.check {
		kind = "check run"
	}
	return metav1.Condition{
		Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReported, Message: fmt.Sprintf("The %s %s is %s", kind, by.status.Context, by.status.State),
	}
}

func unreported(refusal *class) metav1.Condition {
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: refusal.reason, Message: refusal.text}
}

// supersede records of the older Runs that have ended that the last one is what is
// reported.
func (r *Reporter) supersede(ctx context.Context, s *subject) error {
	for i := range s.runs[:len(s.runs)-1] {
		run := &s.runs[i]
		if !run.Status.Phase.Finished() || isReported(run) || r.old(run) {
			continue
		}
		err := r.record(ctx, run, metav1.Condition{
			Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSuperseded, Message: fmt.Sprintf("Run %s of the same commit is newer, and is what is reported", s.last().Name),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// record sets Reported of a Run that has ended, unless it has the reason already: a
// host's words may differ each time. Nothing else of the status is touched, and nothing
// is if somebody else has just written it.
func (r *Reporter) record(ctx context.Context, run *v1alpha1.Run, condition metav1.Condition) error {
	condition.Type, condition.ObservedGeneration = v1alpha1.ReportedCondition, run.Generation
	if now := meta.FindStatusCondition(run.Status.Conditions, condition.Type); now != nil && now.Status == condition.Status && now.Reason == condition.Reason {
		return nil
	}
	condition.Message = printable.Cut(condition.Message, maxMessage)
	condition.LastTransitionTime = metav1.NewTime(r.Clock.Now().Truncate(time.Second))
	recorded := run.DeepCopy()
	meta.SetStatusCondition(&recorded.Status.Conditions, condition)
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, recorded, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return fmt.Errorf("record the report of run %s: %w", run.Name, err)
	}
	return nil
}
