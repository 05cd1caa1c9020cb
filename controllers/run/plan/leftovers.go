package plan

import (
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// keepOutputs adds what a job that has not succeeded has left for others: what
// it has begun, they may have to clean up. It is a help and no promise, so that
// text which is no outputs is just that, and changes nothing of why the job has
// ended.
func (f *Facts) keepOutputs(s v1alpha1.JobStatus, job *batchv1.Job, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	if job == nil || !single(job) || s.Reason == v1alpha1.ReasonInvalidOutputs || s.Reason == v1alpha1.ReasonOutputsTooLarge {
		return s
	}
	pod := lastToLeave(f.pods(job))
	if pod == nil {
		return s
	}
	outputs := leftovers(pod)
	if alike(outputs) == nil && f.posing(s.Name, outputs) == nil && f.fits(s.Name, outputs, done) == nil {
		s.Outputs = outputs
	}
	return s
}

// leftovers returns the well-formed outputs of the pod's containers, nil for
// none.
func leftovers(pod *corev1.Pod) (outputs map[string]string) {
	for _, c := range terminations(pod) {
		if c.log || len(c.message) >= terminationLimit(pod) || !meantAsOutputs(c.message) {
			continue
		}
		found, err := parseOutputs(c.message)
		if err != nil || len(found) == 0 {
			continue
		}
		if outputs == nil {
			outputs = found
		} else {
			maps.Copy(outputs, found)
		}
	}
	return outputs
}

// lastToLeave returns the newest pod of which a container has ended, or nil.
func lastToLeave(pods []corev1.Pod) *corev1.Pod {
	var last *corev1.Pod
	for i := range pods {
		if pod := &pods[i]; len(terminations(pod)) > 0 && (last == nil || last.CreationTimestamp.Before(&pod.CreationTimestamp)) {
			last = pod
		}
	}
	return last
}
