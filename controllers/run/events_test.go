package run_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// failCreate plays the Job controller, which has taken up the Job and can't
// create its pod.
func (w *world) failCreate(job *batchv1.Job, message string) {
	w.t.Helper()
	job.Status.StartTime = &metav1.Time{Time: w.clock.Now()}
	w.updateStatus(job)
	for name, uid := range map[string]string{"ours": string(job.UID), "anothers": "another"} {
		event := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: job.Namespace, Name: name},
			InvolvedObject: corev1.ObjectReference{Kind: "Job", Namespace: job.Namespace, Name: job.Name, UID: types.UID(uid)},
			Reason:         "FailedCreate", Message: message, LastTimestamp: metav1.Time{Time: w.clock.Now()},
		}
		if name != "ours" {
			event.Message, event.LastTimestamp = "not this Job's", metav1.Time{Time: w.clock.Now().Add(time.Second)}
		}
		if err := w.live.Create(w.t.Context(), event); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestPodCannotBeCreated(t *testing.T) {
	t.Parallel()
	const why = `Error creating: pods "run-j0-x7k2p" is forbidden: exceeded quota: small`
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	after := w.mustReconcile("run").RequeueAfter
	job := w.jobs()[0]
	w.failCreate(&job, why)
	w.mustReconcile("run")
	if len(w.liveReads) > 0 {
		t.Errorf("read %v before anything can be wrong", w.liveReads)
	}

	w.clock.SetTime(w.clock.Now().Add(after))
	w.mustReconcile("run")
	got := w.run("run").Status
	if j := got.Jobs[0]; j.Phase != v1alpha1.JobRunning || j.Reason != "FailedCreate" || j.Message != why {
		t.Errorf("job %+v, want FailedCreate: %s", j, why)
	}
	if message, want := got.Conditions[0].Message, "0 of 1 jobs succeeded; starting: j0; j0: FailedCreate: "+why; message != want {
		t.Errorf("the Run says %q, want %q", message, want)
	}

	// Knowing it costs nothing more.
	before := len(w.writes)
	w.clock.SetTime(w.clock.Now().Add(59 * time.Minute))
	w.mustReconcile("run")
	if diff := cmp.Diff([]string{"*v1.EventList"}, w.liveReads); diff != "" {
		t.Errorf("live reads (-want +got):\n%s", diff)
	}
	if extra := w.writes[before:]; len(extra) > 0 {
		t.Errorf("another look wrote %v", extra)
	}
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded || final.Status.Jobs[0].Reason != "" {
		t.Errorf("with a pod the Run came to %+v, want Succeeded", final.Status)
	}
}

// Without the right to list events a Run has fewer reasons, and nothing worse.
func TestEventsCannotBeRead(t *testing.T) {
	t.Parallel()
	p := chain(1)
	w := newWorld(t, p, revision.New(p, 1), started("run", p))
	after := w.mustReconcile("run").RequeueAfter
	job := w.jobs()[0]
	w.failCreate(&job, "unknown")
	w.deny["list *v1.EventList"] = errors.New("events are none of your business")
	w.clock.SetTime(w.clock.Now().Add(after))
	if w.mustReconcile("run").RequeueAfter == 0 {
		t.Error("never asks again")
	}
	if final := w.play(); final.Status.Phase != v1alpha1.RunSucceeded {
		t.Errorf("phase %s, want Succeeded", final.Status.Phase)
	}
}
