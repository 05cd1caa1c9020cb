package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

func sidecar(p *corev1.Pod) {
	p.Spec.InitContainers = []corev1.Container{
		{Name: "init"},
		{Name: "proxy", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)},
	}
}

// sidecarEnded has an init container end.
func sidecarEnded(name string, code int32) podOption {
	return func(p *corev1.Pod) {
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{
			Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: *ts(8)}},
		})
	}
}

// sidecarRuns has the last one of them run.
func sidecarRuns(p *corev1.Pod) {
	last := &p.Status.InitContainerStatuses[len(p.Status.InitContainerStatuses)-1]
	last.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
}

func secondContainer(p *corev1.Pod) {
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "helper"})
	p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
		Name: "helper", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	})
}

func unreported(p *corev1.Pod) {
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "helper"})
}

// TestSuccess asks when job `a` counts as succeeded, so that `b` starts.
func TestSuccess(t *testing.T) {
	t.Parallel()
	indexed := func(j *batchv1.Job) { j.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion) }
	two := func(j *batchv1.Job) { j.Spec.Completions = ptr.To[int32](2) }
	parallel := func(j *batchv1.Job) { j.Spec.Parallelism = ptr.To[int32](2) }
	policy := func(j *batchv1.Job) { j.Spec.SuccessPolicy = &batchv1.SuccessPolicy{} }
	for _, tt := range []struct {
		name string
		job  []jobOption
		pod  []podOption
		want v1alpha1.JobPhase
	}{
		{name: "runs", want: "Running"},
		{name: "container ended with 0", pod: []podOption{exit(0, "Completed", 5)}, want: "Succeeded"},
		{name: "pod succeeded", pod: []podOption{exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}, want: "Succeeded"},
		{name: "a failure waits for the Job", pod: []podOption{exit(1, "Error", 5)}, want: "Running"},
		{name: "pod failed although its container ended with 0", pod: []podOption{exit(0, "Completed", 5), podPhase(corev1.PodFailed)}, want: "Running"},
		{name: "another container runs", pod: []podOption{exit(0, "Completed", 5), secondContainer}, want: "Running"},
		{name: "another container has no status yet", pod: []podOption{exit(0, "Completed", 5), unreported}, want: "Running"},
		{name: "a sidecar may still work", pod: []podOption{exit(0, "Completed", 5), sidecar}, want: "Running"},
		{name: "a sidecar has ended with 0", pod: []podOption{exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 0)}, want: "Succeeded"},
		{name: "a sidecar was killed, and the pod has not ended", pod: []podOption{exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 137)}, want: "Running"},
		{name: "a sidecar was killed, and the pod has", pod: []podOption{exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 137), podPhase(corev1.PodSucceeded)}, want: "Succeeded"},
		{name: "what wasn't kept waits for the pod", pod: []podOption{exit(0, "Completed", 5), kept(1, fullStore)}, want: "Running"},
		{name: "a first step has ended, and no sidecar", pod: []podOption{exit(0, "Completed", 5), sidecar, sidecarEnded("init", 0)}, want: "Running"},
		{name: "one of two sidecars has ended", pod: []podOption{exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 0), kept(0, ""), sidecarRuns}, want: "Running"},
		{name: "a sidecar has ended, and the program runs", pod: []podOption{sidecar, sidecarEnded("proxy", 0)}, want: "Running"},
		{name: "a sidecar has ended, and the program has failed", pod: []podOption{exit(1, "Error", 5), sidecar, sidecarEnded("proxy", 0)}, want: "Running"},
		{name: "a sidecar has ended, cut short", pod: []podOption{disrupted(4), deleted(4), exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 0)}, want: "Failed"},
		{name: "perhaps ended by the deadline, with a sidecar", pod: []podOption{deadline(4), exit(0, "Completed", 5), sidecar, sidecarEnded("proxy", 0)}, want: "Running"},
		{name: "a sidecar's pod has ended", pod: []podOption{exit(0, "Completed", 5), sidecar, podPhase(corev1.PodSucceeded)}, want: "Succeeded"},
		{name: "one of two completions", job: []jobOption{two}, pod: []podOption{exit(0, "Completed", 5)}, want: "Running"},
		{name: "indexed", job: []jobOption{indexed}, pod: []podOption{exit(0, "Completed", 5)}, want: "Running"},
		{name: "parallel", job: []jobOption{parallel}, pod: []podOption{exit(0, "Completed", 5)}, want: "Running"},
		{name: "success policy", job: []jobOption{policy}, pod: []podOption{exit(0, "Completed", 5)}, want: "Running"},
		{name: "two completions, Job complete", job: []jobOption{two, verdict(batchv1.JobComplete, "", "", 9)}, want: "Succeeded"},
		{name: "criteria met is no verdict", job: []jobOption{two, verdict(batchv1.JobSuccessCriteriaMet, "", "", 9)}, want: "Running"},
		{name: "within the deadline", pod: []podOption{deadline(10), exit(0, "Completed", 5)}, want: "Succeeded"},
		{name: "perhaps ended by the deadline", pod: []podOption{deadline(4), exit(0, "Completed", 5)}, want: "Running"},
		{name: "at the deadline, and the kubelet says it succeeded", pod: []podOption{deadline(4), exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}, want: "Succeeded"},
		{name: "ended, then disrupted", pod: []podOption{exit(0, "Completed", 5), disrupted(6)}, want: "Succeeded"},
		{name: "ended, then deleted", pod: []podOption{exit(0, "Completed", 5), deleted(6)}, want: "Succeeded"},
		{name: "disrupted, then ended", pod: []podOption{disrupted(4), deleted(4), exit(0, "Completed", 5)}, want: "Failed"},
		{name: "disrupted, then ended, and the Job takes it for success", job: []jobOption{verdict(batchv1.JobComplete, "", "", 9)}, pod: []podOption{disrupted(4), exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}, want: "Failed"},
		{name: "deleted, then ended", pod: []podOption{deleted(4), exit(0, "Completed", 5)}, want: "Failed"},
		{name: "disrupted and still running", pod: []podOption{disrupted(4), deleted(4)}, want: "Running"},
		{name: "disrupted and failed: Kubernetes retries", pod: []podOption{disrupted(4), exit(143, "Error", 5), podPhase(corev1.PodFailed)}, want: "Running"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			withJob(f, "a", tt.job...)
			withPod(f, "a", "pod", tt.pod...)
			d := plan.Decide(f)
			if got := phases(d)["a"]; got != tt.want {
				t.Errorf("phase %s, want %s", got, tt.want)
			}
			var create []string
			if tt.want == v1alpha1.JobSucceeded {
				create = []string{"b"}
			}
			if diff := cmp.Diff(create, d.Create); diff != "" {
				t.Errorf("create (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInterruptionIsNamed(t *testing.T) {
	t.Parallel()
	for reason, pod := range map[string][]podOption{
		v1alpha1.ReasonDisrupted:  {disrupted(4), deleted(4), exit(0, "Completed", 5)},
		v1alpha1.ReasonPodDeleted: {deleted(4), exit(0, "Completed", 5)},
	} {
		f := facts(spec("a"))
		withJob(f, "a")
		withPod(f, "a", "pod", pod...)
		if got := outcomes(plan.Decide(f))["a"]; got.Reason != reason {
			t.Errorf("reason %q, want %q", got.Reason, reason)
		}
	}
}

// Kubernetes counts a disrupted pod that ended with 0 for its index, and then it
// may be gone. What the Job itself deletes because it has or has not succeeded
// ends so as well, and says nothing.
func TestInterruptionOfOnePodOfMany(t *testing.T) {
	t.Parallel()
	indexed := func(j *batchv1.Job) {
		j.Spec.Completions, j.Spec.Parallelism = ptr.To[int32](2), ptr.To[int32](2)
		j.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion)
	}
	workers := func(j *batchv1.Job) { j.Spec.Parallelism = ptr.To[int32](2) }
	met := verdict(batchv1.JobSuccessCriteriaMet, "", "", 6)
	ended := []podOption{disrupted(4), deleted(4), exit(0, "Completed", 5)}
	lost := outcome{"Failed", "Disrupted", "the pod was told to end (EvictionByEvictionAPI) and exited with code 0, which proves nothing; a program that exits otherwise on SIGTERM is retried"}
	for _, tt := range []struct {
		name string
		job  []jobOption
		pod  []podOption
		want outcome
	}{
		{name: "indexed", job: []jobOption{indexed}, pod: ended, want: lost},
		{name: "parallel", job: []jobOption{workers}, pod: ended, want: lost},
		{name: "complete", job: []jobOption{indexed, verdict(batchv1.JobComplete, "", "", 9)}, pod: ended, want: lost},
		{name: "after its own end", job: []jobOption{indexed}, pod: []podOption{exit(0, "Completed", 5), disrupted(6)}, want: outcome{Phase: "Running"}},
		{name: "disrupted and failed: Kubernetes retries", job: []jobOption{indexed}, pod: []podOption{disrupted(4), exit(143, "Error", 5), podPhase(corev1.PodFailed)}, want: outcome{Phase: "Running"}},
		{name: "deleted, perhaps by the Job", job: []jobOption{indexed}, pod: []podOption{deleted(4), exit(0, "Completed", 5)}, want: outcome{Phase: "Running"}},
		{name: "counted by a success policy", job: []jobOption{indexed, met}, pod: ended, want: lost},
		{name: "no longer needed by a success policy", job: []jobOption{indexed, met}, pod: []podOption{disrupted(7), exit(0, "Completed", 8)}, want: outcome{Phase: "Running"}},
		{
			name: "no longer needed by a success policy, and complete", job: []jobOption{indexed, met, verdict(batchv1.JobComplete, "", "", 9)},
			pod: []podOption{disrupted(7), exit(0, "Completed", 8)}, want: outcome{Phase: "Succeeded"},
		},
		{
			name: "another index had failed", job: []jobOption{indexed, verdict(batchv1.JobFailed, batchv1.JobReasonFailedIndexes, "Job has failed indexes", 9)},
			pod: ended, want: outcome{"Failed", "FailedIndexes", "Job has failed indexes"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", tt.job...)
			withPod(f, "a", "pod", tt.pod...)
			f.Now = at(20)
			if diff := cmp.Diff(tt.want, outcomes(plan.Decide(f))["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

// The other pods of a job that has failed are of no use, and their logs are.
func TestInterruptionEndsTheOtherPods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		other    []podOption
		wantStop []types.NamespacedName
		wantEnd  []string
	}{
		{name: "running", wantStop: []types.NamespacedName{{Namespace: "ci", Name: "other"}}},
		{name: "stopped already", other: []podOption{deadline(1)}},
		{name: "ended", other: []podOption{exit(0, "Completed", 5), podPhase(corev1.PodSucceeded)}, wantEnd: []string{"a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"))
			withJob(f, "a", func(j *batchv1.Job) { j.Spec.Completions, j.Spec.Parallelism = ptr.To[int32](3), ptr.To[int32](2) })
			withPod(f, "a", "pod", disrupted(4), exit(0, "Completed", 5), podPhase(corev1.PodSucceeded))
			withPod(f, "a", "other", tt.other...)
			record(f, "a", v1alpha1.JobFailed)
			d := plan.Decide(f)
			if diff := cmp.Diff(actions{StopPods: tt.wantStop, EndJobs: tt.wantEnd}, actionsOf(d)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPodsOfAnotherJobDoNotCount(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	withJob(f, "a")
	withPod(f, "a", "pod", exit(0, "Completed", 5), func(p *corev1.Pod) { p.OwnerReferences[0].UID = "job-before" })
	if got := phases(plan.Decide(f))["a"]; got != v1alpha1.JobRunning {
		t.Errorf("phase %s, want Running", got)
	}
}

// TestSucceededStays covers the time between a container's end and the Job's
// verdict, and after: the Run may have finished meanwhile.
func TestSucceededStays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		job        []jobOption
		pods       [][]podOption
		wantRemove []string
	}{
		{name: "verdict to come", pods: [][]podOption{{exit(0, "Completed", 5)}}},
		{name: "completed", job: []jobOption{verdict(batchv1.JobComplete, "", "", 9)}},
		{name: "failed after all", job: []jobOption{backoffLimit(9)}},
		{name: "lost with its node", pods: [][]podOption{{exit(0, "Completed", 5), disrupted(6), podPhase(corev1.PodFailed)}}, wantRemove: []string{"a"}},
		{name: "being replaced", pods: [][]podOption{{unstarted}}, wantRemove: []string{"a"}},
		{name: "suspended, verdict to come", job: []jobOption{suspend}, pods: [][]podOption{{exit(0, "Completed", 5)}}},
		{name: "suspended before it was counted", job: []jobOption{suspend}, wantRemove: []string{"a"}},
		{name: "gone", job: []jobOption{func(j *batchv1.Job) { j.Status.StartTime = ts(1) }}, wantRemove: []string{"a"}},
		{name: "gone and counted", job: []jobOption{func(j *batchv1.Job) { j.Status.StartTime, j.Status.Succeeded = ts(1), 1 }}},
		{name: "gone, says a cache that may lag", job: []jobOption{func(j *batchv1.Job) { j.Status.StartTime, j.Status.Active = ts(1), 1 }}},
	} {
		for _, phase := range []v1alpha1.RunPhase{v1alpha1.RunRunning, v1alpha1.RunSucceeded} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				f := facts(spec("a"))
				record(f, "a", v1alpha1.JobSucceeded)
				f.Run.Status.Phase = phase
				withJob(f, "a", tt.job...)
				for _, pod := range tt.pods {
					withPod(f, "a", "pod", pod...)
				}
				d := plan.Decide(f)
				if diff := cmp.Diff(actions{DeleteJobs: tt.wantRemove}, actionsOf(d)); diff != "" {
					t.Errorf("actions (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(f.Run.Status.Jobs, d.Status.Jobs); diff != "" {
					t.Errorf("jobs (-before +after):\n%s", diff)
				}
				if diff := cmp.Diff(f.Run.Status, d.Status); phase.Finished() && diff != "" {
					t.Errorf("the status of a finished Run changed (-before +after):\n%s", diff)
				}
			})
		}
	}
}
