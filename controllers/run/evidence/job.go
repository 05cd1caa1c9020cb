// Package evidence says what a Job, its pods and their events show. It is pure:
// what depends on the time is told it.
package evidence

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Condition returns the Job's condition of this type, if it is true, or nil.
func Condition(job *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// Finished reports whether the Job has its verdict: none of its pods comes or runs
// any more.
func Finished(job *batchv1.Job) bool {
	return Condition(job, batchv1.JobComplete) != nil || Condition(job, batchv1.JobFailed) != nil
}

// Single reports whether the Job is the work of one pod, of this cluster: Kueue
// sends Jobs to others, where their pods stay.
func Single(job *batchv1.Job) bool {
	return Controlled(job) &&
		ptr.Deref(job.Spec.Completions, 1) == 1 &&
		ptr.Deref(job.Spec.Parallelism, 1) == 1 &&
		ptr.Deref(job.Spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.NonIndexedCompletion &&
		job.Spec.SuccessPolicy == nil
}

// Controlled reports whether it is the Job controller of this cluster that is
// to do the Job's work.
func Controlled(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.ManagedBy, batchv1.JobControllerName) == batchv1.JobControllerName
}

// Suspended reports whether the Job is.
func Suspended(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.Suspend, false)
}

// HeldBack reports whether the Job controller does nothing about the Job:
// something holds it suspended, or another controller is to do its work.
func HeldBack(job *batchv1.Job) bool {
	return Suspended(job) || !Controlled(job)
}

// Ending reports whether the Job's own deadline is over at any time: the Job
// controller fails it and starts no pod. It counts no deadline of a suspended
// Job, but ends it before the first pod when it is resumed.
func Ending(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.ActiveDeadlineSeconds, 1) == 0
}

// Elastic reports whether the Job may want fewer completions than it did.
func Elastic(job *batchv1.Job) bool {
	return ptr.Deref(job.Spec.CompletionMode, batchv1.NonIndexedCompletion) == batchv1.IndexedCompletion
}
