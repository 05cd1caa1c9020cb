package plan

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// count keeps count of the pods that the job has had, and of those that were
// disrupted. Kubernetes deletes most of the latter and doesn't count them, so
// each is counted when it is seen, and once: the time of the last one tells
// those that are new.
func count(p part, s v1alpha1.JobStatus) v1alpha1.JobStatus {
	if !evidence.Single(p.job) {
		return s
	}
	counted, others := s.LastDisruptionTime, int32(0)
	for i := range p.pods {
		if evidence.Withdrawn(p.job, &p.pods[i]) {
			continue
		}
		if !evidence.WasDisrupted(&p.pods[i]) {
			others++
			continue
		}
		at := evidence.DisruptedAt(&p.pods[i])
		if counted != nil && !counted.Before(&at) {
			continue
		}
		s.Disruptions++
		if s.LastDisruptionTime == nil || s.LastDisruptionTime.Before(&at) {
			s.LastDisruptionTime = at.DeepCopy()
		}
	}
	if all := s.Disruptions + others; all > 1 {
		s.Attempts = max(s.Attempts, all)
	}
	return s
}

// disrupted says that the job's pod was disrupted and its replacement is yet to
// come, and reports whether there is nothing to add. Nothing more is known of the
// pod once it is gone.
func (f *Facts) disrupted(p part, s v1alpha1.JobStatus) (v1alpha1.JobStatus, bool) {
	if !evidence.Single(p.job) || evidence.Suspended(p.job) {
		return s, false
	}
	var last *corev1.Pod
	for i := range p.pods {
		pod := &p.pods[i]
		switch {
		case !evidence.WasDisrupted(pod) && !evidence.Ended(pod):
			return s, false
		case !evidence.WasDisrupted(pod):
		case last == nil || last.CreationTimestamp.Before(&pod.CreationTimestamp):
			last = pod
		}
	}
	if last != nil && (!evidence.Ended(last) || s.Disruptions > f.recorded(s.Name).Disruptions) {
		cost := ", at no cost to the retries"
		if evidence.TurnedAway(last) {
			cost = ""
		}
		s = f.explain(s, v1alpha1.ReasonDisrupted, evidence.Shorten(fmt.Sprintf("pod %s is replaced%s: %s", last.Name, cost, evidence.WhyDisrupted(last))))
	}
	return s, s.Reason == v1alpha1.ReasonDisrupted && !evidence.AwaitsPod(p.job, p.pods)
}
