package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// endRestOfServices ends what a Run that has finished has left of its services. One
// that ended by a fault still has its Services.
func (f *Facts) endRestOfServices(services []service, d *Decision) {
	for _, s := range services {
		before := d.ends()
		f.endService(s, true, d)
		if d.ends() > before && !evidence.AnyEnded(s.pods) {
			d.DeleteServices = append(d.DeleteServices, s.name)
		}
	}
}

// endServices ends the services of a Run whose jobs have ended, and reports whether
// the Run has, too: once its Services are gone. The pods take their time to
// stop; what is left of them is ended when the Run has finished. One that has
// succeeded doesn't need them any more, however they have ended.
func (f *Facts) endServices(phase v1alpha1.RunPhase, services []service, list []v1alpha1.ServiceStatus, d *Decision) bool {
	d.Serve = nil
	if f.placeless() {
		for i := range list {
			list[i] = finishService(list[i])
		}
		return true
	}
	if phase != v1alpha1.RunSucceeded && f.startTime() != nil && f.unrecorded(services, list) {
		return false
	}
	return f.endEach(phase, services, list, d)
}

func (f *Facts) endEach(phase v1alpha1.RunPhase, services []service, list []v1alpha1.ServiceStatus, d *Decision) (over bool) {
	for _, s := range services {
		if !f.ServicesGone[s.name] {
			d.DeleteServices = append(d.DeleteServices, s.name)
		}
		f.endService(s, false, d)
	}
	if len(d.DeleteServices) > 0 {
		d.requeue(retryStop)
		return false
	}
	for i := range list {
		needless := phase == v1alpha1.RunSucceeded && !services[i].recorded.Phase.Finished()
		if needless || !list[i].Phase.Finished() {
			list[i] = finishService(list[i])
		}
	}
	return true
}

// unrecorded reports whether a job has ended or a service has failed and the
// Run's status doesn't say so yet. To stop the service may take away what shows
// that it has failed, and would be taken for the failure that has ended the Run.
func (f *Facts) unrecorded(services []service, list []v1alpha1.ServiceStatus) bool {
	for i := range list {
		if list[i].Phase == v1alpha1.ServiceFailed && services[i].recorded.Phase != v1alpha1.ServiceFailed {
			return true
		}
	}
	return len(list) > 0 && !f.jobsEnded()
}

// finishService returns the status of a service that was stopped with its Run.
func finishService(s v1alpha1.ServiceStatus) v1alpha1.ServiceStatus {
	s = waiting{}.ofService(s)
	s.Phase = v1alpha1.ServiceStopped
	return s
}

// endService ends the service's Job, once its pod has stopped. That of a service
// which has not failed is complete then. Recorded says whether the Run has finished.
func (f *Facts) endService(s service, recorded bool, d *Decision) {
	if s.job == nil || evidence.Finished(s.job) {
		return
	}
	goesOn := func(pod corev1.Pod) bool { return !evidence.Ended(&pod) && pod.DeletionTimestamp == nil }
	switch heldBack := evidence.HeldBack(s.job); {
	case evidence.Elastic(s.job) && !heldBack && s.recorded.Phase != v1alpha1.ServiceFailed:
		f.completeJob(s.part, recorded, d)
	case !heldBack && len(s.pods) > 0 && !slices.ContainsFunc(s.pods, goesOn):
		// The pod has ended, or is about to: its Job has no retries.
	default:
		f.endJob(s.part, recorded, d)
	}
}

// completeJob ends the Job as one that has done its work. To be complete it may want
// no pod any more, and then the Job controller deletes one that runs, with its
// log: so first the pod is stopped. That it fails by that must not be the Job's
// failure; before a pod takes its place the Job controller waits for 10 s.
func (f *Facts) completeJob(p part, recorded bool, d *Decision) {
	switch {
	case ptr.Deref(p.job.Spec.Completions, 1) == 0:
	case evidence.AnyEnded(p.pods) || !evidence.HoldsLog(p.pods) || recorded && !f.mayAnswer(p, d):
		d.CompleteJobs = append(d.CompleteJobs, p.name)
	default:
		if ptr.Deref(p.job.Spec.BackoffLimit, 0) == 0 {
			d.SpareJobs = append(d.SpareJobs, p.name)
		}
		stopPods(p.pods, d)
	}
}
