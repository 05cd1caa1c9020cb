package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// evicted is a pod that the kubelet has ended for want of memory: it stays.
func evicted(seconds int) podOption {
	return func(p *corev1.Pod) {
		p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "Evicted", "The node was low on resource: memory."
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "TerminationByKubelet", LastTransitionTime: *ts(seconds),
		})
	}
}

// step is what is there at a second, in place of what was before, and what the
// status then says.
type step struct {
	second int
	job    []jobOption
	pods   map[string][]podOption

	want    outcome
	counted counts
	requeue time.Duration
}

func (s *step) arrange(f *plan.Facts) {
	f.Now = at(s.second)
	f.Pods = map[string][]corev1.Pod{}
	withJob(f, "a", s.job...)
	for _, name := range []string{"one", "two", "three"} {
		if opts, there := s.pods[name]; there {
			withPod(f, "a", name, opts...)
		}
	}
}

func (s *step) look(t *testing.T, f *plan.Facts) {
	t.Helper()
	d := plan.Decide(f)
	if diff := cmp.Diff(s.want, outcomes(d)["a"]); diff != "" {
		t.Errorf("second %d: job (-want +got):\n%s", s.second, diff)
	}
	found := d.Status.Jobs[0]
	got := counts{found.Attempts, found.Disruptions, found.LastDisruptionTime}
	if diff := cmp.Diff(s.counted, got, cmp.AllowUnexported(counts{})); diff != "" {
		t.Errorf("second %d: counts (-want +got):\n%s", s.second, diff)
	}
	if d.RequeueAfter != s.requeue {
		t.Errorf("second %d: again after %s, want %s", s.second, d.RequeueAfter, s.requeue)
	}
	f.Run.Status = v1alpha1.RunStatus{Jobs: d.Status.Jobs}
}

type counts struct {
	attempts, disruptions int32
	last                  *metav1.Time
}

// TestAttempts follows jobs through the loss and the failure of their pods.
func TestAttempts(t *testing.T) {
	t.Parallel()
	const rest = time.Hour
	running, succeeded := outcome{Phase: "Running"}, outcome{Phase: "Succeeded"}
	said := func(pod, why string) outcome {
		return outcome{"Running", "Disrupted", "pod " + pod + " is replaced, at no cost to the retries: " + why}
	}
	byAPI := said("one", "EvictionByEvictionAPI: no more is known")
	byKubelet := said("one", "TerminationByKubelet: The node was low on resource: memory.")
	active := func(j *batchv1.Job) { taken(0)(j); j.Status.Active = 1 }
	failed := func(second int) []podOption { return []podOption{exit(1, "Error", second), podPhase(corev1.PodFailed)} }
	started := func(second int, more ...podOption) []podOption { return append([]podOption{created(second)}, more...) }
	alive := map[string][]podOption{"one": started(1)}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"nothing happens", []step{
			{second: 10, job: []jobOption{active}, pods: alive, want: running},
			{second: 20, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, exit(0, "Completed", 19))}, want: succeeded},
		}},
		{"evicted by the API", []step{
			{second: 10, job: []jobOption{active}, pods: alive, want: running},
			{second: 20, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, disrupted(20), deleted(20))}, want: byAPI, counted: counts{0, 1, ts(20)}, requeue: 60 * time.Second},
			{second: 21, job: []jobOption{active}, want: byAPI, counted: counts{0, 1, ts(20)}, requeue: 29 * time.Second},
			{second: 22, job: []jobOption{taken(0)}, want: byAPI, counted: counts{0, 1, ts(20)}, requeue: 28 * time.Second},
			{second: 50, job: []jobOption{taken(0)}, want: outcome{"Running", "AwaitingPod", "its Job has no pod, and its events don't say why"}, counted: counts{0, 1, ts(20)}, requeue: 30 * time.Second},
			{second: 60, job: []jobOption{active}, pods: map[string][]podOption{"two": started(60, unstarted)}, want: running, counted: counts{2, 1, ts(20)}, requeue: rest},
			{second: 70, job: []jobOption{active}, pods: map[string][]podOption{"two": started(60)}, want: running, counted: counts{2, 1, ts(20)}},
			{second: 80, job: []jobOption{active}, pods: map[string][]podOption{"two": started(60, exit(0, "Completed", 80))}, want: succeeded, counted: counts{2, 1, ts(20)}},
		}},
		{"evicted by the kubelet, whose pods stay", []step{
			{second: 20, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, evicted(20))}, want: byKubelet, counted: counts{0, 1, ts(20)}, requeue: 30 * time.Second},
			{second: 21, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, evicted(20)), "two": started(21)}, want: running, counted: counts{2, 1, ts(20)}},
			{second: 30, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, evicted(20)), "two": started(21, evicted(30))}, want: said("two", "TerminationByKubelet: The node was low on resource: memory."), counted: counts{2, 2, ts(30)}, requeue: 30 * time.Second},
			{second: 31, job: []jobOption{taken(0)}, pods: map[string][]podOption{"one": started(1, evicted(20)), "two": started(21, evicted(30))}, want: said("two", "TerminationByKubelet: The node was low on resource: memory."), counted: counts{2, 2, ts(30)}, requeue: 29 * time.Second},
			{second: 40, job: []jobOption{active}, pods: map[string][]podOption{"three": started(40)}, want: running, counted: counts{3, 2, ts(30)}},
		}},
		{"replaced before it was noticed", []step{
			{second: 30, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, evicted(20)), "two": started(21)}, want: running, counted: counts{2, 1, ts(20)}},
		}},
		{"a retry, then an eviction", []step{
			{second: 20, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, failed(20)...)}, want: running, requeue: 30 * time.Second},
			{second: 31, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, failed(20)...), "two": started(31)}, want: running, counted: counts{2, 0, nil}},
			{second: 40, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, failed(20)...), "two": started(31, disrupted(40), deleted(40))}, want: said("two", "EvictionByEvictionAPI: no more is known"), counted: counts{2, 1, ts(40)}, requeue: time.Minute},
			{second: 50, job: []jobOption{active}, pods: map[string][]podOption{"one": started(1, failed(20)...), "three": started(50)}, want: running, counted: counts{3, 1, ts(40)}},
			{
				second: 70, job: []jobOption{backoffLimit(60)}, pods: map[string][]podOption{"one": started(1, failed(20)...), "three": started(50, failed(60)...)},
				want: outcome{"Failed", "Error", "container main exited with code 1"}, counted: counts{3, 1, ts(40)},
			},
		}},
		{"the template takes a disruption for a failure", []step{
			{
				second: 40, job: []jobOption{backoffLimit(31)}, pods: map[string][]podOption{"one": started(1, disrupted(20), exit(143, "Error", 21), podPhase(corev1.PodFailed))},
				want:    outcome{"Failed", "Disrupted", "the pod was told to end (EvictionByEvictionAPI: no more is known), which a rule of the template's podFailurePolicy takes for a failure"},
				counted: counts{0, 1, ts(20)},
			},
		}},
		{"suspended", []step{
			{
				second: 20, job: []jobOption{suspend}, pods: map[string][]podOption{"one": started(1, disrupted(20), deleted(20))},
				want:    outcome{"Running", "Suspended", "its Job is suspended: it waits in a queue, or somebody holds it"},
				counted: counts{0, 1, ts(20)},
			},
		}},
		{"several pods", []step{
			{
				second: 20, job: []jobOption{active, func(j *batchv1.Job) { j.Spec.Completions, j.Spec.Parallelism = new(int32(2)), new(int32(2)) }},
				pods: map[string][]podOption{"one": started(1, evicted(20)), "two": started(1)}, want: running,
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			for _, step := range tt.steps {
				step.arrange(f)
				step.look(t, f)
				step.look(t, f) // the first one's status is what it starts from
			}
		})
	}
}
