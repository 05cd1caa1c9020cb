package run

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestNewsOfARun(t *testing.T) {
	t.Parallel()
	run := func(generation int64, phase v1alpha1.RunPhase, annotations map[string]string) *v1alpha1.Run {
		return &v1alpha1.Run{
			ObjectMeta: metav1.ObjectMeta{Generation: generation, Annotations: annotations},
			Status:     v1alpha1.RunStatus{Phase: phase},
		}
	}
	asked, again := map[string]string{v1alpha1.RetryAnnotation: "1"}, map[string]string{v1alpha1.RetryAnnotation: "2"}
	blank, other := map[string]string{v1alpha1.RetryAnnotation: ""}, map[string]string{"team": "blue"}
	for name, tt := range map[string]struct {
		before, after *v1alpha1.Run
		want          bool
	}{
		"own status write":               {before: run(1, "", nil), after: run(1, v1alpha1.RunRunning, nil)},
		"own status write, annotated":    {before: run(1, v1alpha1.RunRunning, asked), after: run(1, v1alpha1.RunFailed, asked)},
		"cancelled":                      {before: run(1, v1alpha1.RunRunning, nil), after: run(2, v1alpha1.RunRunning, nil), want: true},
		"retry asked of a finished Run":  {before: run(1, v1alpha1.RunFailed, other), after: run(1, v1alpha1.RunFailed, asked), want: true},
		"retry asked without a value":    {before: run(1, v1alpha1.RunFailed, nil), after: run(1, v1alpha1.RunFailed, blank), want: true},
		"retry asked with another value": {before: run(1, v1alpha1.RunFailed, asked), after: run(1, v1alpha1.RunFailed, again), want: true},
		"own answer":                     {before: run(1, v1alpha1.RunFailed, asked), after: run(1, v1alpha1.RunFailed, nil)},
		"somebody's annotation":          {before: run(1, v1alpha1.RunFailed, nil), after: run(1, v1alpha1.RunFailed, other)},
	} {
		if got := runNews().Update(event.UpdateEvent{ObjectOld: tt.before, ObjectNew: tt.after}); got != tt.want {
			t.Errorf("%s: news %t, want %t", name, got, tt.want)
		}
	}
	if runNews().Delete(event.DeleteEvent{Object: run(1, v1alpha1.RunFailed, asked)}) {
		t.Error("a deletion is news")
	}
	if !runNews().Create(event.CreateEvent{Object: run(1, v1alpha1.RunFailed, asked)}) {
		t.Error("a Run that a new watch finds is none")
	}
}

// A watch that was closed starts with a list. A Job that was made and has ended
// in between is new to it.
func TestNewsOfAJobThatIsNew(t *testing.T) {
	t.Parallel()
	finished := batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue}}}
	for name, tt := range map[string]struct {
		status batchv1.JobStatus
		want   bool
	}{
		"own creation":          {},
		"taken up":              {status: batchv1.JobStatus{Active: 1}},
		"ended behind our back": {status: finished, want: true},
	} {
		if got := jobNews().Create(event.CreateEvent{Object: &batchv1.Job{Status: tt.status}}); got != tt.want {
			t.Errorf("%s: news %t, want %t", name, got, tt.want)
		}
	}
}

// Of what the Job controller writes counts what may change the Run's status: that
// it has begun, too, because the pod may be refused then.
func TestNewsOfAJob(t *testing.T) {
	t.Parallel()
	suspended := batchv1.JobSpec{Suspend: new(true)}
	begun := batchv1.JobStatus{StartTime: new(metav1.Unix(1, 0))}
	for name, tt := range map[string]struct {
		before, after batchv1.Job
		want          bool
	}{
		"begun":       {after: batchv1.Job{Status: begun}, want: true},
		"has a pod":   {before: batchv1.Job{Status: begun}, after: batchv1.Job{Status: batchv1.JobStatus{StartTime: begun.StartTime, Active: 1}}, want: true},
		"bookkeeping": {before: batchv1.Job{Status: begun}, after: batchv1.Job{Status: batchv1.JobStatus{StartTime: begun.StartTime, Ready: new(int32(1))}}},
		"suspended":   {before: batchv1.Job{Status: begun}, after: batchv1.Job{Spec: suspended, Status: begun}, want: true},
		"resumed":     {before: batchv1.Job{Spec: suspended}, want: true},
		"has a verdict": {
			before: batchv1.Job{Status: begun},
			after:  batchv1.Job{Status: batchv1.JobStatus{StartTime: begun.StartTime, Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete}}}}, want: true,
		},
	} {
		if got := jobNews().Update(event.UpdateEvent{ObjectOld: &tt.before, ObjectNew: &tt.after}); got != tt.want {
			t.Errorf("%s: news %t, want %t", name, got, tt.want)
		}
	}
}
