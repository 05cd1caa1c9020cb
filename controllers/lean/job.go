package lean

import (
	"fmt"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
)

// jobSpec leaves out most of a Job: its pods say themselves what they are. Of its
// rules for failures the number counts.
func (c *Cache) jobSpec(spec *batchv1.JobSpec) batchv1.JobSpec {
	lean := batchv1.JobSpec{
		Parallelism:           spec.Parallelism,
		Completions:           spec.Completions,
		ActiveDeadlineSeconds: spec.ActiveDeadlineSeconds,
		BackoffLimit:          spec.BackoffLimit,
		CompletionMode:        spec.CompletionMode,
		Suspend:               spec.Suspend,
		ManagedBy:             spec.ManagedBy,
	}
	rules := -1
	if spec.PodFailurePolicy != nil {
		rules = len(spec.PodFailurePolicy.Rules)
		lean.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: make([]batchv1.PodFailurePolicyRule, rules)}
	}
	if spec.SuccessPolicy != nil {
		lean.SuccessPolicy = &batchv1.SuccessPolicy{}
	}
	return c.jobSpecs.one(keyOf(
		number(lean.Parallelism), number(lean.Completions), number(lean.ActiveDeadlineSeconds), number(lean.BackoffLimit),
		number(lean.CompletionMode), number(lean.Suspend), number(lean.ManagedBy), strconv.Itoa(rules), strconv.FormatBool(lean.SuccessPolicy != nil),
	), lean)
}

func (c *Cache) jobStatus(status *batchv1.JobStatus) batchv1.JobStatus {
	for i := range status.Conditions {
		condition := &status.Conditions[i]
		share(&c.texts, &condition.Type)
		share(&c.texts, &condition.Status)
		share(&c.texts, &condition.Reason, &condition.Message)
	}
	return batchv1.JobStatus{
		Conditions:     status.Conditions,
		StartTime:      status.StartTime,
		CompletionTime: status.CompletionTime,
		Active:         status.Active,
		Succeeded:      status.Succeeded,
		Failed:         status.Failed,
	}
}

// number is what an optional value is in a key.
func number[T any](value *T) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}
