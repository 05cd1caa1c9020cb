package settled_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/settled"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ended is a Run that ended at noon, with these notifiers.
func ended(name string, notifiers ...v1alpha1.NotifierStatus) v1alpha1.Run {
	return v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID(name)},
		Status:     v1alpha1.RunStatus{Phase: v1alpha1.RunFailed, CompletionTime: &metav1.Time{Time: noon}, Notifiers: notifiers},
	}
}

func told(job string) v1alpha1.NotifierStatus {
	return v1alpha1.NotifierStatus{Name: "chat", Phase: v1alpha1.RunFailed, Job: job}
}

// jobOf is a Job that the Run of this UID controls, and that has no pod.
func jobOf(uid types.UID, name string, conditions ...batchv1.JobCondition) batchv1.Job {
	return batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.RunKind, Name: string(uid), UID: uid, Controller: new(true)},
		}},
		Status: batchv1.JobStatus{Conditions: conditions},
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	complete := batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}
	for _, tt := range []struct {
		name   string
		runs   []v1alpha1.Run
		jobs   []batchv1.Job
		after  time.Duration
		want   bool
		unseen []string
	}{
		{name: "none", want: true},
		{name: "without Jobs", runs: []v1alpha1.Run{ended("a")}, want: true},
		{name: "all Jobs have ended", runs: []v1alpha1.Run{ended("a")}, jobs: []batchv1.Job{jobOf("a", "a-x", complete)}, want: true},
		{name: "a Job has not", runs: []v1alpha1.Run{ended("a"), ended("b")}, jobs: []batchv1.Job{jobOf("a", "a-x", complete), jobOf("b", "b-x")}},
		{name: "a Job of a Run that is gone", runs: []v1alpha1.Run{ended("a")}, jobs: []batchv1.Job{jobOf("z", "a-x"), {}}, want: true},
		{name: "a notifier is still to be tried", runs: []v1alpha1.Run{ended("a", told(""))}, after: time.Hour},
		{name: "nobody has come to try it", runs: []v1alpha1.Run{ended("a", told(""))}, after: 24 * time.Hour, want: true},
		{name: "a notifier tells", runs: []v1alpha1.Run{ended("a", told("a-chat"))}, jobs: []batchv1.Job{jobOf("a", "a-chat")}},
		{name: "a notifier has told", runs: []v1alpha1.Run{ended("a", told("a-chat"))}, jobs: []batchv1.Job{jobOf("a", "a-chat", complete)}, want: true},
		{name: "a notifier's Job is not known", runs: []v1alpha1.Run{ended("a", told("a-chat"))}, jobs: []batchv1.Job{jobOf("z", "a-chat")}, want: true, unseen: []string{"a-chat"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := settled.Runs(tt.runs, tt.jobs, noon.Add(tt.after)); got != tt.want {
				t.Errorf("settled: %t, want %t", got, tt.want)
			}
			var unseen []string
			for i := range tt.runs {
				unseen = append(unseen, settled.ByRun(tt.jobs).Unseen(&tt.runs[i])...)
			}
			if diff := cmp.Diff(tt.unseen, unseen); diff != "" {
				t.Errorf("unseen (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJob(t *testing.T) {
	t.Parallel()
	condition := func(kind batchv1.JobConditionType, status corev1.ConditionStatus) batchv1.JobStatus {
		return batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: kind, Status: status}}}
	}
	for _, tt := range []struct {
		name string
		job  batchv1.Job
		want bool
	}{
		{name: "running", job: batchv1.Job{Status: batchv1.JobStatus{Active: 1}}},
		{name: "between two pods", job: batchv1.Job{}},
		{name: "complete", job: batchv1.Job{Status: condition(batchv1.JobComplete, corev1.ConditionTrue)}, want: true},
		{name: "failed", job: batchv1.Job{Status: condition(batchv1.JobFailed, corev1.ConditionTrue)}, want: true},
		{name: "not failed", job: batchv1.Job{Status: condition(batchv1.JobFailed, corev1.ConditionFalse)}},
		{name: "about to fail", job: batchv1.Job{Status: condition(batchv1.JobFailureTarget, corev1.ConditionTrue)}},
		{name: "suspended", job: batchv1.Job{Spec: batchv1.JobSpec{Suspend: new(true)}}, want: true},
		{name: "suspended, a pod is ending", job: batchv1.Job{Spec: batchv1.JobSpec{Suspend: new(true)}, Status: batchv1.JobStatus{Active: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := settled.Job(&tt.job); got != tt.want {
				t.Errorf("settled: %t, want %t", got, tt.want)
			}
		})
	}
}
