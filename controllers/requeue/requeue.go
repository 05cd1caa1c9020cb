// Package requeue says when a reconcile is done again, and tells what goes wrong in it
// from what only looks so.
package requeue

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
)

// afterConflict is how long a cache gets to follow.
const afterConflict = 100 * time.Millisecond

// Of returns what a reconciler returns that has come to this. Nothing is wrong where
// an object has changed since it was read: it is read again. Nor is anything where the
// namespace is being deleted, with all that is in it.
func Of(result ctrl.Result, err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: afterConflict, Priority: result.Priority}, nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return ctrl.Result{Priority: result.Priority}, nil
	case err != nil:
		// A time beside it would be ignored, with a warning.
		return ctrl.Result{Priority: result.Priority}, err
	default:
		return result, nil
	}
}
