package run_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A Job is known to have failed, and its pod isn't known yet: it was made within
// the time that the cache is behind. That somebody has deleted it would be recorded
// for good.
func TestPodOfAFailedJobIsNotSeenYet(t *testing.T) {
	t.Parallel()
	p := chain(1)
	template := p.Spec.Jobs[0].Template
	p.Spec.Services = []v1alpha1.Service{{Name: "db", Ports: []v1alpha1.ServicePort{{Port: 80}}, Template: template}}
	p.Spec.Notifiers = []v1alpha1.Notifier{{Name: "chat", Phases: []v1alpha1.RunPhase{v1alpha1.RunRunning}, Template: template}}
	for _, tt := range []struct {
		name, job string
		reason    func(*v1alpha1.RunStatus) string
	}{
		{name: "job", job: "run-j0", reason: func(s *v1alpha1.RunStatus) string { return s.Jobs[0].Reason }},
		{name: "service", job: "run-db", reason: func(s *v1alpha1.RunStatus) string { return s.Services[0].Reason }},
		{name: "notifier", job: "run-chat-running", reason: func(s *v1alpha1.RunStatus) string { return s.Notifiers[0].Reason }},
	} {
		for what, want := range map[string]string{"is there": "OOMKilled", "is gone": "PodDeleted"} {
			t.Run(tt.name+" "+what, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, p, revision.New(p, 1), started("run", p))
				w.mustReconcile("run")
				var job batchv1.Job
				w.get("run-db", &job)
				w.kubelet(&job)
				w.mustReconcile("run")
				w.get(tt.job, &job)
				job.Status.Failed = 1
				job.Status.Conditions = []batchv1.JobCondition{{
					Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: batchv1.JobReasonBackoffLimitExceeded, LastTransitionTime: metav1.Time{Time: w.clock.Now()},
				}}
				w.updateStatus(&job)
				w.kubelet(&job)
				var pod corev1.Pod
				w.get(tt.job+"-pod", &pod)
				w.remove(&pod)
				w.sync()
				if want == "OOMKilled" {
					w.kubelet(&job)
					w.get(tt.job+"-pod", &pod)
					pod.Status.Phase = corev1.PodFailed
					pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
					w.updateStatus(&pod)
				}
				w.mustReconcile("run")
				if got := tt.reason(&w.run("run").Status); got != want {
					t.Errorf("reason %q, want %s", got, want)
				}
			})
		}
	}
}
