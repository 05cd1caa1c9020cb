package plan

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

// stoppedDeadline is the deadline of a pod that is to end now. A smaller one
// isn't valid.
const stoppedDeadline = 1

// retryStop is how long to wait before what could not be stopped is tried again.
const retryStop = 5 * time.Second

// interrupt stops the Job of a halted Run, and settles the job when nothing of
// it runs any more. A Job that has its verdict never gets here.
func (f *Facts) interrupt(h *halt, s v1alpha1.JobStatus, job *batchv1.Job, d *Decision) v1alpha1.JobStatus {
	if h.passing {
		d.requeue(atOnce)
		return s
	}
	if !suspended(job) {
		f.stop(s.Name, d)
		return s
	}
	if holdsLog(f.pods(job)) {
		// Suspended by something else, or just as the pod was starting.
		return s
	}
	return h.endJob(f, s, whileRan)
}

// stop ends the job's running pods in a way that keeps them and their logs.
// Suspending the Job would delete them, so that comes when they have ended.
func (f *Facts) stop(name string, d *Decision) {
	pods := f.pods(f.Jobs[name])
	if !holdsLog(pods) {
		d.Suspend = append(d.Suspend, name)
		return
	}
	for i := range pods {
		pod := &pods[i]
		if started(pod) && ptr.Deref(pod.Spec.ActiveDeadlineSeconds, stoppedDeadline+1) > stoppedDeadline {
			d.Stop = append(d.Stop, types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	}
}

// holdsLog reports whether a pod runs that may have something to say. One that
// is being deleted is lost anyway, perhaps with its node.
func holdsLog(pods []corev1.Pod) bool {
	for i := range pods {
		if started(&pods[i]) {
			return true
		}
	}
	return false
}

// started reports whether the pod may run on a node. What the kubelet says comes
// seconds after it has started the containers, so the node's name has to do.
func started(pod *corev1.Pod) bool {
	return pod.Spec.NodeName != "" && !terminal(pod) && pod.DeletionTimestamp == nil
}

// lose ends a job whose pod is lost or has failed. Suspending a Job deletes its
// pods, one that has started at the same moment too: in a halted Run that is no
// failure of the job's.
func (f *Facts) lose(s v1alpha1.JobStatus, job *batchv1.Job, reason, message string) v1alpha1.JobStatus {
	if h := f.halt(); h != nil && reason == ReasonPodDeleted && suspended(job) {
		return h.endJob(f, s, whileRan)
	}
	return f.end(s, v1alpha1.JobFailed, reason, message)
}
