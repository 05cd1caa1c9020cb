package upload_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/test/jobpod"
)

// TestSucceeded: the API server often knows a moment later how the containers have ended,
// and is asked again soon.
func TestSucceeded(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		// knows is after how many pauses the API server does; never if it is negative.
		knows int
		code  int32
		want  bool
		waits []time.Duration
		err   string
	}{
		"at once":   {want: true},
		"a failure": {code: 1},
		"soon":      {knows: 2, want: true, waits: []time.Duration{50 * ms, 100 * ms}},
		"late":      {knows: 6, want: true, waits: []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 500 * ms, 500 * ms}},
		"never": {
			knows: -1, waits: []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 500 * ms, 500 * ms, 500 * ms},
			err: "the job's containers go on, as far as the API server knows",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := jobpod.New(jobpod.Run("one", nil, running("build")), "build", "build-1")
			p.Pod.Spec.Containers = []corev1.Container{{Name: "main"}}
			w := newWorld(t, p)
			know := func(ctx context.Context) error {
				p.Pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
					Name: "main", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: tt.code}},
				}}
				return w.cluster.Objects.Status().Update(ctx, p.Pod)
			}
			if tt.knows == 0 {
				if err := know(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var waits []time.Duration
			c := w.client(p, func(ctx context.Context, d time.Duration) error {
				switch waits = append(waits, d); {
				case len(waits) == tt.knows:
					return know(ctx)
				case len(waits) == 7:
					return context.DeadlineExceeded
				}
				return nil
			})
			got, err := c.Succeeded(t.Context())
			said := ""
			if err != nil {
				said = err.Error()
			}
			if got != tt.want || said != tt.err {
				t.Errorf("%t, %v", got, err)
			}
			if diff := cmp.Diff(tt.waits, waits); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}
