package job_test

import (
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// What ends a pod decides, by the Job's rules as Kubernetes applies them, what
// becomes of the Job: it is failed at once, the pod counts, or it is free.
func TestWhatAPodsEndDoes(t *testing.T) {
	t.Parallel()
	const counts batchv1.PodFailurePolicyAction = ""
	conditions := func(of ...corev1.PodConditionType) []corev1.PodCondition {
		list := []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}}
		for _, condition := range of {
			list = append(list, corev1.PodCondition{Type: condition, Status: corev1.ConditionFalse})
		}
		return list
	}
	disrupted := append(conditions(corev1.PodReady), corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue})
	for _, tt := range []struct {
		name        string
		status      corev1.PodStatus
		want, tried batchv1.PodFailurePolicyAction // without retries, with one
	}{
		{name: "refused by the kubelet", status: corev1.PodStatus{Reason: "OutOfcpu"}, want: counts, tried: counts},
		{name: "evicted", status: corev1.PodStatus{Reason: "Evicted", Conditions: disrupted, ContainerStatuses: exited(143)}, want: batchv1.PodFailurePolicyActionIgnore, tried: batchv1.PodFailurePolicyActionIgnore},
		{name: "on no node", status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}}, want: batchv1.PodFailurePolicyActionFailJob, tried: counts},
		{name: "failed", status: corev1.PodStatus{Conditions: conditions(corev1.PodReady, corev1.ContainersReady), ContainerStatuses: exited(1)}, want: batchv1.PodFailurePolicyActionFailJob, tried: counts},
		{name: "failed, without conditions", status: corev1.PodStatus{ContainerStatuses: exited(1)}, want: batchv1.PodFailurePolicyActionFailJob, tried: counts},
		{name: "timed out, exited with 0", status: corev1.PodStatus{Reason: "DeadlineExceeded", Conditions: conditions(corev1.PodReady), ContainerStatuses: exited(0)}, want: batchv1.PodFailurePolicyActionFailJob, tried: counts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spec := v1alpha1.Job{Name: "a"}
			if got := action(job.Build(run(), 1, &v1alpha1.PipelineSpec{}, &spec), &tt.status); got != tt.want {
				t.Errorf("without retries: %q, want %q", got, tt.want)
			}
			spec.Template.Spec.BackoffLimit = new(int32(1))
			if got := action(job.Build(run(), 1, &v1alpha1.PipelineSpec{}, &spec), &tt.status); got != tt.tried {
				t.Errorf("with a retry: %q, want %q", got, tt.tried)
			}
		})
	}
}

func exited(code int32) []corev1.ContainerStatus {
	return []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}}}
}

// action is that of the first rule that fits.
func action(built *batchv1.Job, status *corev1.PodStatus) batchv1.PodFailurePolicyAction {
	for _, rule := range built.Spec.PodFailurePolicy.Rules {
		if fits(&rule, status) {
			return rule.Action
		}
	}
	return ""
}

func fits(rule *batchv1.PodFailurePolicyRule, status *corev1.PodStatus) bool {
	if rule.OnExitCodes != nil {
		// The only such rule is of each code but 0.
		return len(status.ContainerStatuses) > 0 && status.ContainerStatuses[0].State.Terminated.ExitCode != 0
	}
	for _, pattern := range rule.OnPodConditions {
		for _, condition := range status.Conditions {
			if condition.Type == pattern.Type && condition.Status == pattern.Status {
				return true
			}
		}
	}
	return false
}

// A template may have rules of its own, and there is room for 20 in all.
func TestRoomForFailureRules(t *testing.T) {
	t.Parallel()
	for given, want := range map[int]struct {
		rules int
		limit int32
	}{0: {3, 6}, 17: {20, 6}, 18: {19, 0}, 19: {20, 0}} {
		t.Run(fmt.Sprint(given), func(t *testing.T) {
			t.Parallel()
			spec := v1alpha1.Job{Name: "a"}
			policy := &batchv1.PodFailurePolicy{Rules: make([]batchv1.PodFailurePolicyRule, given)}
			spec.Template.Spec.PodFailurePolicy = policy
			built := job.Build(run(), 1, &v1alpha1.PipelineSpec{}, &spec).Spec
			if rules := len(built.PodFailurePolicy.Rules); rules != want.rules || *built.BackoffLimit != want.limit {
				t.Errorf("%d rules and a limit of %d, want %+v", rules, *built.BackoffLimit, want)
			}
		})
	}
}
