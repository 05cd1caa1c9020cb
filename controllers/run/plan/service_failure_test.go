package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// TestServicePendingTimeout decides, at second 100, about a service that may
// take 60 seconds to get ready.
func TestServicePendingTimeout(t *testing.T) {
	t.Parallel()
	const noImage = "container main: can't pull image registry.example.com/app:1: not found"
	image := waiting("ErrImagePull", "not found")
	withoutJob := func(f *plan.Facts) {
		delete(f.Jobs, "db")
		f.Deferred = map[string]plan.Refusal{"db": {Reason: "QuotaExceeded", Message: "now"}}
	}
	for _, tt := range []struct {
		name     string
		recorded v1alpha1.ServiceStatus
		arrange  func(*plan.Facts)
		job      jobOption
		pods     [][]podOption
		want     serviceOutcome
	}{
		{name: "image, in time", pods: [][]podOption{{image, created(41)}}, want: serviceOutcome{"Starting", "ImagePullBackOff", noImage}},
		{name: "image", pods: [][]podOption{{image, created(40)}}, want: serviceOutcome{"Failed", "ImagePullBackOff", noImage + " (pending for 1m)"}},
		{name: "not ready, in time", pods: [][]podOption{{startedAt(41)}}, want: serviceOutcome{Phase: "Starting"}},
		{name: "not ready", pods: [][]podOption{{startedAt(40)}}, want: serviceOutcome{"Failed", "NotReady", "its pod runs, and doesn't become ready (pending for 1m)"}},
		{name: "ready", pods: [][]podOption{{startedAt(1), isReady}}, want: serviceOutcome{Phase: "Ready"}},
		{name: "was ready", recorded: v1alpha1.ServiceStatus{Name: "db", Phase: "Ready"}, pods: [][]podOption{{startedAt(1)}}, want: serviceOutcome{Phase: "Ready"}},
		{
			name: "queued", recorded: v1alpha1.ServiceStatus{Name: "db", Phase: "Starting", Reason: "Suspended", WaitingSince: ts(1)}, job: suspend,
			want: serviceOutcome{"Starting", "Suspended", ""},
		},
		{
			name: "quota, in time", recorded: v1alpha1.ServiceStatus{Name: "db", Phase: "Starting", Reason: "QuotaExceeded", Message: "full", WaitingSince: ts(41)},
			arrange: withoutJob, want: serviceOutcome{"Starting", "QuotaExceeded", "full"},
		},
		{
			name: "quota", recorded: v1alpha1.ServiceStatus{Name: "db", Phase: "Starting", Reason: "QuotaExceeded", Message: "full", WaitingSince: ts(40)},
			arrange: withoutJob, want: serviceOutcome{"Failed", "QuotaExceeded", "full (pending for 1m)"},
		},
		{
			name: "pod denied", recorded: v1alpha1.ServiceStatus{Name: "db", Phase: "Starting", Reason: "FailedCreate", Message: "denied", WaitingSince: ts(40)},
			job: taken(1), want: serviceOutcome{"Failed", "FailedCreate", "denied (pending for 1m)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := serving(tt.job, tt.pods...)
			f.Spec.PendingTimeout = &metav1.Duration{Duration: time.Minute}
			if tt.recorded.Name != "" {
				f.Run.Status.Services = []v1alpha1.ServiceStatus{tt.recorded}
			}
			if tt.arrange != nil {
				tt.arrange(f)
			}
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, serviceOf(d)); diff != "" {
				t.Errorf("service (-want +got):\n%s", diff)
			}
			want := v1alpha1.JobWaiting
			if tt.want.Phase == v1alpha1.ServiceFailed {
				want = v1alpha1.JobCancelled
			}
			if got := phases(d)["a"]; got != want {
				t.Errorf("the job is %s, want %s", got, want)
			}
		})
	}
}

func startedAt(seconds int) podOption {
	return func(p *corev1.Pod) { p.Status.ContainerStatuses[0].State.Running.StartedAt = *ts(seconds) }
}
