package requeue_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/controllers/requeue"
)

func TestOf(t *testing.T) {
	t.Parallel()
	runs := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	conflict := apierrors.NewConflict(runs, "a", errors.New("it has changed"))
	ending := apierrors.NewForbidden(runs, "a", errors.New("it is being terminated"))
	ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	forbidden := apierrors.NewForbidden(runs, "a", errors.New("no"))
	priority := new(5)
	for name, tt := range map[string]struct {
		err, wantErr error
		want         ctrl.Result
	}{
		"nothing":                    {nil, nil, ctrl.Result{RequeueAfter: time.Minute, Priority: priority}},
		"conflict":                   {fmt.Errorf("record: %w", conflict), nil, ctrl.Result{RequeueAfter: 100 * time.Millisecond, Priority: priority}},
		"namespace is being deleted": {fmt.Errorf("create: %w", ending), nil, ctrl.Result{Priority: priority}},
		"forbidden":                  {forbidden, forbidden, ctrl.Result{Priority: priority}},
	} {
		got, err := requeue.Of(ctrl.Result{RequeueAfter: time.Minute, Priority: priority}, tt.err)
		if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.wantErr) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
