package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// moments are the times of a job, in seconds; 0: none.
type moments struct{ queued, scheduled, started int }

func momentsOf(s *v1alpha1.JobStatus) moments {
	second := func(t *metav1.Time) int {
		if t == nil {
			return 0
		}
		return int(t.Sub(at(0)).Seconds())
	}
	return moments{second(s.QueuedTime), second(s.ScheduledTime), second(s.StartTime)}
}

// made is when the pod was made, and got its node; 0: it has none.
func made(created, scheduled int) podOption {
	return func(p *corev1.Pod) {
		p.CreationTimestamp = *ts(created)
		p.Status.StartTime, p.Status.ContainerStatuses = nil, nil
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse})
		if scheduled > 0 {
			p.Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: *ts(scheduled)}
		}
	}
}

// runs adds a container that runs since then, and ran adds one that has ended, which is
// of no time if it was never made.
func runs(started int) podOption {
	return func(p *corev1.Pod) {
		state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *ts(started)}}
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: "main", State: state})
	}
}

func ran(started metav1.Time) podOption {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodFailed
		state := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: started}}
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{Name: "main", State: state})
	}
}

func prepared(started int) podOption {
	return func(p *corev1.Pod) {
		state := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: *ts(started)}}
		p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, corev1.ContainerStatus{Name: "init", State: state})
	}
}

func job10(f *plan.Facts, opts ...jobOption) {
	withJob(f, "a", opts...)
	f.Jobs["a"].CreationTimestamp = *ts(10)
}

// TestTimes has what is recorded of a job's times when its status changes for another
// reason: a cancellation is asked for.
func TestTimes(t *testing.T) {
	t.Parallel()
	recorded := func(m moments) v1alpha1.JobStatus {
		s := v1alpha1.JobStatus{Name: "a", Phase: v1alpha1.JobRunning, Job: "run-a"}
		for second, into := range map[*int]**metav1.Time{&m.queued: &s.QueuedTime, &m.scheduled: &s.ScheduledTime, &m.started: &s.StartTime} {
			if *second > 0 {
				*into = ts(*second)
			}
		}
		return s
	}
	indexed := []jobOption{elastic}
	for name, tt := range map[string]struct {
		before moments
		job    []jobOption
		pods   [][]podOption
		want   moments
	}{
		"no pod":                        {want: moments{queued: 10}},
		"due before its Job":            {before: moments{queued: 4}, want: moments{queued: 4}},
		"waits":                         {pods: [][]podOption{{made(11, 0)}}, want: moments{queued: 10}},
		"pulls":                         {pods: [][]podOption{{made(11, 12)}}, want: moments{10, 12, 0}},
		"runs":                          {pods: [][]podOption{{made(11, 12), runs(15)}}, want: moments{10, 12, 15}},
		"prepares":                      {pods: [][]podOption{{made(11, 12), runs(20), prepared(14)}}, want: moments{10, 12, 14}},
		"never made":                    {pods: [][]podOption{{made(11, 12), ran(metav1.Time{})}}, want: moments{10, 12, 0}},
		"a second attempt waits":        {before: moments{10, 12, 15}, pods: [][]podOption{{made(11, 12), ran(*ts(15))}, {made(30, 0)}}, want: moments{queued: 10}},
		"a second attempt runs":         {before: moments{10, 12, 15}, pods: [][]podOption{{made(30, 31), runs(33)}, {made(11, 12), ran(*ts(15))}}, want: moments{10, 31, 33}},
		"the second attempt is gone":    {before: moments{10, 31, 33}, pods: [][]podOption{{made(11, 12), ran(*ts(15))}}, want: moments{10, 31, 33}},
		"every attempt is gone":         {before: moments{10, 12, 15}, want: moments{10, 12, 15}},
		"a container was restarted":     {before: moments{10, 12, 15}, pods: [][]podOption{{made(11, 12), runs(40)}}, want: moments{10, 12, 15}},
		"of an older version":           {before: moments{started: 10}, pods: [][]podOption{{made(11, 12)}}, want: moments{10, 12, 0}},
		"several pods":                  {job: indexed, pods: [][]podOption{{made(11, 14), runs(20)}, {made(12, 13), runs(30)}, {made(13, 0)}}, want: moments{10, 13, 20}},
		"the first of several was lost": {before: moments{10, 13, 20}, job: indexed, pods: [][]podOption{{made(40, 41), runs(42)}}, want: moments{10, 13, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			job10(f, tt.job...)
			for _, opts := range tt.pods {
				withPod(f, "a", "pod", opts...)
			}
			f.Run.Status.Jobs = []v1alpha1.JobStatus{recorded(tt.before)}
			d := plan.Decide(f)
			if got := momentsOf(&d.Status.Jobs[0]); got != tt.want {
				t.Errorf("the times are %+v, want %+v", got, tt.want)
			}
			f.Run.Status = d.Status
			if again := plan.Decide(f); again.Step != plan.Nothing && again.Step != plan.Act {
				t.Errorf("deciding again is to %s:\n%s", again.Step, cmp.Diff(d.Status, again.Status))
			}
		})
	}
}

// TestTimesAloneAreNoReasonToWrite: what became of a job's pod is told with its next
// change.
func TestTimesAloneAreNoReasonToWrite(t *testing.T) {
	t.Parallel()
	f := facts(spec("a"))
	job10(f)
	f.Run.Status = plan.Decide(f).Status
	withPod(f, "a", "pod", made(11, 12), runs(15))
	if d := plan.Decide(f); d.Step != plan.Nothing {
		t.Errorf("the step is %q:\n%s", d.Step, cmp.Diff(f.Run.Status, d.Status))
	}
	f.Pods["a"] = nil
	withPod(f, "a", "pod", made(11, 12), exited(15, 20))
	d := plan.Decide(f)
	want := v1alpha1.JobStatus{
		Name: "a", Phase: v1alpha1.JobSucceeded, Job: "run-a", QueuedTime: ts(10), ScheduledTime: ts(12), StartTime: ts(15), CompletionTime: ts(20),
	}
	if diff := cmp.Diff(want, d.Status.Jobs[0]); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// A pod that was made behind the end tells nothing of the job.
	withPod(f, "a", "late", made(30, 31), runs(32))
	want.Attempts = 2
	if diff := cmp.Diff(want, plan.Decide(f).Status.Jobs[0]); diff != "" {
		t.Errorf("with another pod, -want +got:\n%s", diff)
	}
}

func exited(started, ended int) podOption {
	return func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodSucceeded
		state := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: *ts(started), FinishedAt: *ts(ended)}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: state}}
	}
}
