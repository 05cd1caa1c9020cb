package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// setSuspend does what a queue does to a job's Job that it gives a place, or
// takes it away.
func (s *space) setSuspend(t *testing.T, run, job string, suspend bool) {
	t.Helper()
	found := s.jobs(t, run)[job]
	patch(t, s, &found, func(j *batchv1.Job) { j.Spec.Suspend = &suspend })
}

// A Job that a queue holds when its Run is cancelled doesn't stay for good: it
// is gone, and what its pods had logged isn't.
func TestCancellingAJobThatAQueueHolds(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	again := script("again", "echo tried; "+s.through("tries")+"; exit 1")
	again.Template.Spec.BackoffLimit = new(int32(3))
	s.create(t, s.pipeline("held", again, script("later", "true", "again")))
	s.start(t, "h", "held")
	s.awaitArrival(t, "tries")
	s.openGate("tries")
	s.await(t, "the first attempt to fail", func(context.Context) (bool, string, error) {
		pods := s.pods(t, "h")
		return len(pods) > 0 && pods[0].Status.Phase == corev1.PodFailed, fmt.Sprint(len(pods)), nil
	})
	s.setSuspend(t, "h", "again", true)
	s.awaitPhases(t, "h", "again=Running/Suspended", "later=Waiting/AwaitingNeeds")
	patch(t, s, &v1alpha1.Run{ObjectMeta: s.meta("h")}, func(run *v1alpha1.Run) { run.Spec.Cancelled = true })
	run := s.awaitEnd(t, "h", v1alpha1.RunCancelled)
	if got, want := messageOf(run, "again"), "cancelled while its Job was suspended"; got != want {
		t.Errorf("the job says %q, want %q", got, want)
	}
	s.awaitGone(t, "the Job", &batchv1.JobList{}, client.MatchingLabels{v1alpha1.RunLabel: "h"})
	s.await(t, "the pod that had failed to be the Run's", func(context.Context) (bool, string, error) {
		pods := s.pods(t, "h")
		if len(pods) != 1 {
			return false, "", fmt.Errorf("%d pods are there, want the one that has failed", len(pods))
		}
		owners := pods[0].OwnerReferences
		return len(owners) == 1 && owners[0].UID == run.UID && len(pods[0].Finalizers) == 0, fmt.Sprint(owners, pods[0].Finalizers), nil
	})
	if got := s.log(t, "h", "again", "main"); got != "tried\n" {
		t.Errorf("its log is %q", got)
	}
}

// A Job that is resumed in the very moment in which its Run ends makes no pod,
// and has its own verdict: its queue gets the place back.
func TestAJobThatIsToEndIsResumed(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("raced", script("held", s.through("held"))))
	s.start(t, "r", "raced")
	s.awaitArrival(t, "held")
	s.setSuspend(t, "r", "held", true)
	s.awaitPhases(t, "r", "held=Running/Suspended")
	s.awaitGone(t, "the suspended pod", &corev1.PodList{}, client.MatchingLabels{v1alpha1.RunLabel: "r"})
	found := s.jobs(t, "r")["held"]
	patch(t, s, &found, func(j *batchv1.Job) { j.Spec.Suspend, j.Spec.ActiveDeadlineSeconds = new(false), new(int64(0)) })
	s.await(t, "the Job to fail", func(context.Context) (bool, string, error) {
		job := s.jobs(t, "r")["held"]
		return jobHas(&job, batchv1.JobFailed), fmt.Sprint(job.Status.Conditions), nil
	})
	if pods := s.pods(t, "r"); len(pods) > 0 {
		t.Errorf("%d pods were made", len(pods))
	}
}

func jobHas(job *batchv1.Job, kind batchv1.JobConditionType) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == kind && c.Status == corev1.ConditionTrue
	})
}

// A queue takes a job its place away, and gives it back. That the program ended
// with 0 when it was told to is neither a pass nor a failure: it runs again.
func TestASuspendedJobRunsAgain(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	polite := script("polite", "trap 'exit 0' TERM\n("+s.through("goes")+") & wait $!\necho done")
	s.create(t, s.pipeline("preempted", polite, script("after", "true", "polite")))
	s.start(t, "p", "preempted")
	for round := range 2 {
		s.awaitArrivals(t, "goes", round+1)
		s.setSuspend(t, "p", "polite", true)
		s.awaitPhases(t, "p", "polite=Running/Suspended", "after=Waiting/AwaitingNeeds")
		s.setSuspend(t, "p", "polite", false)
	}
	s.awaitArrivals(t, "goes", 3)
	s.openGate("goes")
	run := s.awaitEnd(t, "p", v1alpha1.RunSucceeded)
	if diff := cmp.Diff([]string{"polite=Succeeded", "after=Succeeded"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if polite := run.Status.Jobs[0]; polite.Disruptions != 0 {
		t.Errorf("%d disruptions, want none", polite.Disruptions)
	}
}

// awaitVerdicts waits until each Job of the Run has its verdict, and returns
// them by the part's name.
func (s *space) awaitVerdicts(t *testing.T, run string) map[string]batchv1.JobConditionType {
	t.Helper()
	verdicts := map[string]batchv1.JobConditionType{}
	s.await(t, "the Jobs of Run "+run+" to be over", func(ctx context.Context) (bool, string, error) {
		var list batchv1.JobList
		if err := s.Client.List(ctx, &list, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.RunLabel: run}); err != nil {
			return false, "", cluster.Retry(err)
		}
		for i := range list.Items {
			job := &list.Items[i]
			name := job.Labels[v1alpha1.JobLabel] + job.Labels[v1alpha1.ServiceLabel]
			for _, kind := range []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed} {
				if jobHas(job, kind) {
					verdicts[name] = kind
				}
			}
		}
		return len(list.Items) > 0 && len(verdicts) == len(list.Items), fmt.Sprint(verdicts), nil
	})
	return verdicts
}
