package job

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

const (
	// maxFailureRules is how many rules a podFailurePolicy may have.
	maxFailureRules = 20
	// maxRefusals is how many of its pods a Job may lose to kubelets that refuse to
	// run them. The Job controller waits for 10 s after the first, twice as long
	// after each further one.
	maxRefusals = 6
)

// setFailures makes a program's own failure final, unless the template asks for
// retries, and a disruption free. The first rule that fits a pod counts, so that
// these overrule none of the template's.
func setFailures(spec *batchv1.JobSpec) {
	if spec.PodFailurePolicy == nil {
		spec.PodFailurePolicy = &batchv1.PodFailurePolicy{}
	}
	rules := spec.PodFailurePolicy.Rules
	if !slices.ContainsFunc(rules, ignoresDisruption) {
		rules = append(rules, batchv1.PodFailurePolicyRule{
			Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: patterns(corev1.ConditionTrue, corev1.DisruptionTarget),
		})
	}
	// With a limit per index the total is the template's choice, unbounded if it
	// makes none: 0 here would let the first index that fails end the others.
	if spec.BackoffLimit == nil && spec.BackoffLimitPerIndex == nil {
		spec.BackoffLimit = ptr.To[int32](0)
		if final := finalRules(); len(rules)+len(final) <= maxFailureRules {
			spec.BackoffLimit, rules = ptr.To[int32](maxRefusals), append(rules, final...)
		}
	}
	spec.PodFailurePolicy.Rules = rules
}

// finalRules fail the Job with a pod that was taken by a kubelet, or whose
// program has failed. They leave what a kubelet has refused to run, which has
// neither an exit code nor a condition: it does so when it has no room after all,
// a device is gone, or its node is being shut down.
func finalRules() []batchv1.PodFailurePolicyRule {
	taken := []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodReadyToStartContainers}
	return []batchv1.PodFailurePolicyRule{
		{Action: batchv1.PodFailurePolicyActionFailJob, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
			Operator: batchv1.PodFailurePolicyOnExitCodesOpNotIn, Values: []int32{0},
		}},
		{Action: batchv1.PodFailurePolicyActionFailJob, OnPodConditions: slices.Concat(
			patterns(corev1.ConditionTrue, taken...), patterns(corev1.ConditionFalse, taken...),
		)},
	}
}

func patterns(status corev1.ConditionStatus, of ...corev1.PodConditionType) []batchv1.PodFailurePolicyOnPodConditionsPattern {
	var list []batchv1.PodFailurePolicyOnPodConditionsPattern
	for _, condition := range of {
		list = append(list, batchv1.PodFailurePolicyOnPodConditionsPattern{Type: condition, Status: status})
	}
	return list
}

func ignoresDisruption(rule batchv1.PodFailurePolicyRule) bool {
	if rule.Action != batchv1.PodFailurePolicyActionIgnore {
		return false
	}
	for _, pattern := range rule.OnPodConditions {
		// The API server reads a blank status as True.
		if pattern.Type == corev1.DisruptionTarget && (pattern.Status == corev1.ConditionTrue || pattern.Status == "") {
			return true
		}
	}
	return false
}
