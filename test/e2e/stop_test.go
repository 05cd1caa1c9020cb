package e2e

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// patient prints, passes the gate "runs", and goes on until it is told to stop.
func (s *space) patient() string {
	return `trap 'echo stopping; exit 143' TERM
echo begun
` + s.through("runs") + `
echo waiting
sleep 3600 & wait`
}

const patientLog = "begun\nwaiting\nstopping\n"

func TestCancellingKeepsPodAndLog(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	patient := script("patient", s.patient())
	patient.Template.Spec.BackoffLimit = new(int32(2))
	s.create(t, s.pipeline("long", patient, script("later", "true", "patient")))
	s.start(t, "c", "long")
	s.awaitArrival(t, "runs")
	s.openGate("runs")
	s.awaitLog(t, "c", "patient", "waiting")
	patch(t, s, &v1alpha1.Run{ObjectMeta: s.meta("c")}, func(run *v1alpha1.Run) { run.Spec.Cancelled = true })
	run := s.awaitEnd(t, "c", v1alpha1.RunCancelled)

	if diff := cmp.Diff([]string{"patient=Cancelled/Cancelled", "later=Cancelled/Cancelled"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	s.expectStopped(t, "c")
	if diff := cmp.Diff(map[string]batchv1.JobConditionType{"patient": batchv1.JobFailed}, s.awaitVerdicts(t, "c")); diff != "" {
		t.Errorf("Jobs (-want +got):\n%s", diff)
	}
}

func TestTimeoutKeepsPodAndLog(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	job := script("patient", s.patient())
	job.Timeout = &metav1.Duration{Duration: 15 * time.Second}
	s.create(t, s.pipeline("slow", job, script("later", "true", "patient")))
	s.openGate("runs")
	s.start(t, "o", "slow")
	run := s.awaitEnd(t, "o", v1alpha1.RunFailed)

	if diff := cmp.Diff([]string{"patient=Failed/TimedOut", "later=Skipped/NeedsFailed"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	s.expectStopped(t, "o")
}

func TestRunTimeoutKeepsPodAndLog(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	p := s.pipeline("slow", script("quick", "true"), script("patient", s.patient(), "quick"), script("later", "true", "patient"))
	p.Spec.Timeout = &metav1.Duration{Duration: 25 * time.Second}
	s.create(t, p)
	s.openGate("runs")
	s.start(t, "o", "slow")
	run := s.awaitEnd(t, "o", v1alpha1.RunFailed)

	if diff := cmp.Diff([]string{"quick=Succeeded", "patient=Cancelled/TimedOut", "later=Cancelled/TimedOut"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	want := "timed out: the Run took longer than its timeout of 25s; 1 of 3 jobs succeeded"
	if c := run.Status.Conditions[0]; c.Reason != v1alpha1.ReasonTimedOut || c.Message != want {
		t.Errorf("condition %s: %s, want TimedOut: %s", c.Reason, c.Message, want)
	}
	s.expectStopped(t, "o")
}

// expectStopped checks that the one pod of the job `patient` has ended, is still there,
// and has the whole log.
func (s *space) expectStopped(t *testing.T, run string) {
	t.Helper()
	pod := s.pod(t, run, "patient")
	if pod.Status.Phase != corev1.PodFailed || pod.DeletionTimestamp != nil {
		t.Errorf("pod is %s, being deleted: %v; want Failed and kept", pod.Status.Phase, pod.DeletionTimestamp)
	}
	if diff := cmp.Diff(patientLog, s.log(t, run, "patient", "main")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
