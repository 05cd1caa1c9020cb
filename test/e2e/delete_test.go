package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

func TestDeletingARunDeletesItsJobs(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("two", script("one", "true"), script("held", s.through("held"), "one")))
	s.start(t, "deleted", "two")
	s.start(t, "kept", "two")
	s.awaitJob(t, "kept", "one", v1alpha1.JobSucceeded)
	s.awaitJob(t, "deleted", "one", v1alpha1.JobSucceeded)
	s.await(t, "both Runs' second job", func(context.Context) (bool, string, error) {
		n := s.arrivals("held")
		return n == 2, fmt.Sprintf("%d have started", n), nil
	})
	if err := s.Client.Delete(s.ctx, &v1alpha1.Run{ObjectMeta: s.meta("deleted")}); err != nil {
		t.Fatal(err)
	}
	ofDeleted := client.MatchingLabels{v1alpha1.RunLabel: "deleted"}
	s.awaitGone(t, "its Jobs", &batchv1.JobList{}, ofDeleted)
	s.awaitGone(t, "its pods", &corev1.PodList{}, ofDeleted)
	s.awaitGone(t, "its parameters", &corev1.ConfigMapList{}, ofDeleted)

	s.openGate("held")
	s.awaitEnd(t, "kept", v1alpha1.RunSucceeded)
	if jobs := s.jobs(t, "kept"); len(jobs) != 2 {
		t.Errorf("the other Run has %d Jobs, want 2", len(jobs))
	}
}

func TestDeletingAPipelineStopsAndDeletesItsRuns(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("doomed", script("held", s.through("held"))), s.pipeline("other", script("quick", "true")))
	s.start(t, "other", "other")
	s.start(t, "running", "doomed")
	s.awaitArrival(t, "held")
	s.awaitEnd(t, "other", v1alpha1.RunSucceeded)
	if err := s.Client.Delete(s.ctx, s.pipeline("doomed")); err != nil {
		t.Fatal(err)
	}
	ofDoomed := client.MatchingLabels{v1alpha1.PipelineLabel: "doomed"}
	s.awaitGone(t, "its Runs", &v1alpha1.RunList{}, ofDoomed)
	s.awaitGone(t, "its Jobs", &batchv1.JobList{}, ofDoomed)
	s.awaitGone(t, "its pods", &corev1.PodList{}, ofDoomed)
	s.awaitGone(t, "its revisions", &appsv1.ControllerRevisionList{}, ofDoomed)
	if s.get(t, "other", &v1alpha1.Run{}); len(s.jobs(t, "other")) != 1 {
		t.Error("the other Pipeline's Run has lost its Job")
	}
}

func TestRetentionKeepsTheNewestTen(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	busy := s.pipeline("busy", script("quick", "true"))
	busy.Spec.Retention = &v1alpha1.Retention{MaxCount: new(int32(10)), MinAge: &metav1.Duration{}}
	s.create(t, busy)
	for _, early := range []string{"run-01", "run-02"} {
		s.start(t, early, "busy")
		s.awaitEnd(t, early, v1alpha1.RunSucceeded)
	}
	var want []string
	for i := 3; i <= 12; i++ {
		name := fmt.Sprintf("run-%02d", i)
		s.start(t, name, "busy")
		want = append(want, name)
	}
	s.await(t, "the last ten Runs to end and the first two to be deleted", func(ctx context.Context) (bool, string, error) {
		var runs v1alpha1.RunList
		names, err := s.names(ctx, &runs)
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		ended := 0
		for _, run := range runs.Items {
			if run.Status.Phase.Finished() {
				ended++
			}
		}
		return ended == len(runs.Items) && len(names) <= len(want), fmt.Sprintf("%d Runs, %d have ended", len(names), ended), nil
	})
	got, err := s.names(s.ctx, &v1alpha1.RunList{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Runs that are left (-want +got):\n%s", diff)
	}
	s.await(t, "the deleted Runs' Jobs to be gone", func(ctx context.Context) (bool, string, error) {
		jobs, err := s.names(ctx, &batchv1.JobList{})
		if err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(jobs) == len(want), fmt.Sprintf("%d Jobs", len(jobs)), nil
	})
}
