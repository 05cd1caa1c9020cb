package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

const (
	largeLayers, largeWidth, largeServices = 16, 16, 16

	// mostAllocations bounds those of a decision about the largest Run that there
	// may be. It is a third above what the decision took when this was written:
	// lower it when that falls. Most of them compare the status with what is recorded.
	mostAllocations = 9900
)

// large are facts of a Run of 256 jobs, in layers of which each needs the one
// before: the first half has succeeded, one layer runs, and the rest waits. Its
// services are ready, and its status is what was recorded before.
func large(services int) *plan.Facts {
	f := facts()
	for i := range services {
		name := fmt.Sprintf("service-%d", i)
		f.Spec.Services = append(f.Spec.Services, v1alpha1.Service{Name: name})
		withJob(f, name, func(j *batchv1.Job) { j.Labels = map[string]string{v1alpha1.ServiceLabel: name} })
		withPod(f, name, name+"-pod", isReady)
	}
	for layer := range largeLayers {
		for at := range largeWidth {
			name := fmt.Sprintf("job-%d-%d", layer, at)
			job := spec(name)
			if layer > 0 {
				job.Needs = []string{fmt.Sprintf("job-%d-%d", layer-1, at), fmt.Sprintf("job-%d-%d", layer-1, (at+1)%largeWidth)}
			}
			f.Spec.Jobs = append(f.Spec.Jobs, job)
			switch half := largeLayers / 2; {
			case layer < half:
				withJob(f, name, verdict(batchv1.JobComplete, "", "", layer+1))
				withPod(f, name, name+"-pod", exit(0, "Completed", layer+1), podPhase("Succeeded"), letGo)
			case layer == half:
				withJob(f, name)
				withPod(f, name, name+"-pod")
			}
		}
	}
	f.Run.Status = plan.Decide(f).Status
	return f
}

// What is counted and measured below is a Run in its usual state.
func TestALargeRunIsHalfDone(t *testing.T) {
	t.Parallel()
	const each = largeLayers * largeWidth / 2
	want := map[v1alpha1.JobPhase]int{
		v1alpha1.JobSucceeded: each, v1alpha1.JobRunning: largeWidth, v1alpha1.JobWaiting: each - largeWidth,
	}
	for _, services := range []int{0, largeServices} {
		d := plan.Decide(large(services))
		if d.Acts() {
			t.Errorf("%d services: it asks for %+v, want nothing", services, actionsOf(d))
		}
		got := map[v1alpha1.JobPhase]int{}
		for _, phase := range phases(d) {
			got[phase]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d services: jobs by phase (-want +got):\n%s", services, diff)
		}
	}
}

// TestAllocationsOfALargeRun is no test in parallel: those of others would count.
func TestAllocationsOfALargeRun(t *testing.T) {
	f := large(largeServices)
	got := testing.AllocsPerRun(10, func() { plan.Decide(f) })
	if got > mostAllocations {
		t.Errorf("a decision about %d jobs and %d services allocates %.0f times, at most %d", largeLayers*largeWidth, largeServices, got, mostAllocations)
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, services := range []int{0, largeServices} {
		b.Run(fmt.Sprintf("%d-services", services), func(b *testing.B) {
			f := large(services)
			b.ReportAllocs()
			for b.Loop() {
				plan.Decide(f)
			}
		})
	}
}
