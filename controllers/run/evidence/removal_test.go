package evidence_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/controllers/run/evidence"
)

// A kubelet that removes a pod which was deleted moves the deletion to that
// moment, a second after the end of its containers and without a grace period.
func TestPodThatIsRemovedWasCutShort(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC)
	ended := corev1.ContainerStatus{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(end)}}}
	for _, tt := range []struct {
		name    string
		deleted time.Duration // after the end
		grace   int64
		want    bool
	}{
		{"asked for before", 2 * time.Second, 3, true},
		{"removed a second later", time.Second, 0, true},
		{"asked for after", 4 * time.Second, 3, false},
		{"deleted when it had long ended", time.Minute, 0, false},
	} {
		at := metav1.NewTime(end.Add(tt.deleted))
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &at, DeletionGracePeriodSeconds: &tt.grace},
			Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended}},
		}
		if got := evidence.CutShort(pod); got != tt.want {
			t.Errorf("%s: cut short is %t, want %t", tt.name, got, tt.want)
		}
	}
}
