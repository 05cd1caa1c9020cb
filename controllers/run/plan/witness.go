package plan

import (
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// Unwitnessed returns, by job, the Jobs that are complete and whose pod is gone
// before anybody saw how it had ended: it was removed with its node, or while
// the controller was away. The pod's events may still tell.
func (f *Facts) Unwitnessed() map[string]*batchv1.Job {
	found := map[string]*batchv1.Job{}
	for i := range f.Spec.Jobs {
		name := f.Spec.Jobs[i].Name
		job := f.Jobs[name]
		if job != nil && evidence.Condition(job, batchv1.JobComplete) != nil && !f.recorded(name).Phase.Finished() &&
			f.unseen(job) && len(f.pods(job)) == 0 {
			found[name] = job
		}
	}
	return found
}

// OnlyPod returns the name of the one pod that a Job has ever made, as its events
// say, or that they say something else.
func OnlyPod(events []corev1.Event) (name string, only bool) {
	for i := range events {
		e := &events[i]
		made, is := strings.CutPrefix(e.Message, "Created pod: ")
		if e.Reason != successfulCreate || !is {
			continue
		}
		if name != "" || e.Count > 1 || (e.Series != nil && e.Series.Count > 1) {
			return "", false
		}
		name = made
	}
	return name, name != ""
}

// disturbances are the reasons of a pod's events that tell of something that may
// have ended it. Whatever makes the kubelet stop a container, it says so.
var disturbances = []string{"Killing", "Preempting", "Preempted", "Evicted", "TaintManagerEviction", "NodeNotReady", "NodeShutdown", "ExceededGracePeriod"} //nolint:gochecknoglobals // A constant, which Go has none of.

// EndedByItself reports whether the pod's events show that its containers were
// started and that nothing told them to end. That they don't say otherwise is not
// enough: events are kept for an hour.
func EndedByItself(pod string, events []corev1.Event) bool {
	started := false
	for i := range events {
		e := &events[i]
		if e.InvolvedObject.Kind != "Pod" || e.InvolvedObject.Name != pod {
			continue
		}
		regular := !strings.HasPrefix(e.InvolvedObject.FieldPath, "spec.initContainers{")
		// Sidecars are stopped when the others have ended.
		if regular && slices.Contains(disturbances, e.Reason) {
			return false
		}
		started = started || (regular && e.Reason == "Started")
	}
	return started
}

// vouchedFor ends a job whose success only events show. What its pod may have
// left as outputs went with it.
func (f *Facts) vouchedFor(s v1alpha1.JobStatus) v1alpha1.JobStatus {
	return f.end(s, v1alpha1.JobSucceeded, "", "its pod is gone, with its log and outputs; its events say that it ended by itself")
}
