package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// The API server selects the events of a Job that has had no pod for long.
func TestPodCannotBeCreated(t *testing.T) {
	t.Parallel()
	person := newClient(t, serverConfig(t))
	namespace := newNamespace(t, person)
	startManager(t, serverConfig(t), namespace, startRuns)
	for _, obj := range []client.Object{graph(namespace, "a"), newRun(namespace, "run")} {
		if err := person.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	var job batchv1.Job
	eventually(t, "the Job is there", func(ctx context.Context) error {
		return person.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "run-a"}, &job)
	})
	const why = `Error creating: pods "run-a-x7k2p" is forbidden: exceeded quota: small`
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: namespace, Name: "run-a.1"},
		InvolvedObject: corev1.ObjectReference{APIVersion: "batch/v1", Kind: "Job", Namespace: namespace, Name: job.Name, UID: job.UID},
		Reason:         "FailedCreate", Message: why, Type: corev1.EventTypeWarning, LastTimestamp: metav1.Now(),
	}
	if err := person.Create(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	// The Job controller took it up a minute ago; a pod that it made is gone.
	for _, active := range []int32{1, 0} {
		job.Status.StartTime, job.Status.Active = &metav1.Time{Time: time.Now().Add(-time.Minute)}, active
		if err := person.Status().Update(t.Context(), &job); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the Run says why", func(ctx context.Context) error {
		var run v1alpha1.Run
		if err := person.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "run"}, &run); err != nil {
			return err
		}
		if len(run.Status.Jobs) != 1 || run.Status.Jobs[0].Reason != "FailedCreate" || run.Status.Jobs[0].Message != why {
			return fmt.Errorf("its jobs are %+v", run.Status.Jobs)
		}
		return nil
	})
}
