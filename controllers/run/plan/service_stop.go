package plan

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// stopServices stops what a Run that has finished has left of its services. One
// that ended by a fault still has its Services.
func (f *Facts) stopServices(d *Decision) {
	for i := range f.Spec.Services {
		name := f.Spec.Services[i].Name
		before := d.ends()
		f.stopService(name, true, d)
		if d.ends() > before && !slices.ContainsFunc(f.pods(f.Jobs[name]), func(pod corev1.Pod) bool { return evidence.Ended(&pod) }) {
			d.Retire = append(d.Retire, name)
		}
	}
}

// stopService stops the service's pod in the way that keeps its log. The Job of
// a service that has not failed is complete then. Recorded says whether the Run
// has finished.
func (f *Facts) stopService(name string, recorded bool, d *Decision) {
	job := f.Jobs[name]
	if job == nil || evidence.Finished(job) {
		return
	}
	pods := f.pods(job)
	switch {
	case evidence.Elastic(job) && !evidence.HeldBack(job) && f.recordedService(name).Phase != v1alpha1.ServiceFailed:
		f.dismiss(name, job, pods, recorded, d)
	case !evidence.HeldBack(job) && len(pods) > 0 && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return !evidence.Ended(&pod) && pod.DeletionTimestamp == nil }):
		// The pod has ended, or is about to: its Job has no retries.
	default:
		f.stop(name, recorded, d)
	}
}

// dismiss ends the Job as one that has done its work. To be complete it may want
// no pod any more, and then the Job controller deletes one that runs, with its
// log: so first the pod is stopped. That it fails by that must not be the Job's
// failure; before a pod takes its place the Job controller waits for 10 s.
func (f *Facts) dismiss(name string, job *batchv1.Job, pods []corev1.Pod, recorded bool, d *Decision) {
	stopped := slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return evidence.Ended(&pod) })
	switch {
	case ptr.Deref(job.Spec.Completions, 1) == 0:
	case stopped || !evidence.HoldsLog(pods) || recorded && !f.mayAnswer(name, pods, d):
		d.Complete = append(d.Complete, name)
	default:
		if ptr.Deref(job.Spec.BackoffLimit, 0) == 0 {
			d.Spare = append(d.Spare, name)
		}
		cutDeadlines(pods, d)
	}
}
