package run

import (
	"errors"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/run/plan"
)

// class says what an answer of the API server means for a creation.
type class int

const (
	// accepted: created.
	accepted class = iota
	// refused: it never will be.
	refused
	// deferred: later, perhaps.
	deferred
	// unclear: no answer at all, or one that is out of date at once; try again.
	unclear
)

// exceededQuota stands in the API server's answer.
const exceededQuota = "exceeded quota"

// classify sorts what came of a creation.
func classify(err error) (plan.Refusal, class) {
	full, isFull := errors.AsType[*noRoomError](err)
	f, _ := fault.Of(err)
	switch {
	case err == nil:
		return plan.Refusal{}, accepted
	case f != nil:
		return plan.Refusal{Reason: f.Reason, Message: f.Message}, refused
	case isFull:
		return full.refusal, deferred
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return plan.Refusal{Reason: string(corev1.NamespaceTerminatingCause), Message: "the namespace is being deleted"}, deferred
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), exceededQuota):
		// The answer has no more than its text to tell a full quota from a policy.
		return plan.Refusal{Reason: v1alpha1.ReasonQuotaExceeded, Message: err.Error()}, deferred
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return plan.Refusal{Reason: v1alpha1.ReasonRejected, Message: err.Error()}, refused
	case answered(err):
		return plan.Refusal{Reason: v1alpha1.ReasonCreateError, Message: err.Error()}, deferred
	default:
		return plan.Refusal{}, unclear
	}
}

// answered reports whether the error is the API server's own, and lasts. That a
// quota was changed by another creation at the same moment doesn't.
func answered(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return false
	}
	details := answer.Status().Details
	return !apierrors.IsConflict(err) || details == nil || details.Kind != "resourcequotas"
}
