package plan

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// maxSummary bounds what a message repeats of another, in characters: it stands in a
// table.
const maxSummary = 160

// fail records why the Job failed: what its last failed pod says, or, with no
// such pod left, what the Job says.
func (f *Facts) fail(s v1alpha1.JobStatus, job *batchv1.Job, pods []corev1.Pod, d *Decision) v1alpha1.JobStatus {
	verdict := evidence.Condition(job, batchv1.JobFailed)
	if evidence.Running(pods) && f.Now.Sub(verdict.LastTransitionTime.Time) < evidence.PodNews {
		d.requeue(evidence.PodNews)
		return s
	}
	s.CompletionTime = verdict.LastTransitionTime.DeepCopy()
	reason, message := evidence.Failure(job, pods, f.Explained[s.Name])
	if h := f.haltOf(s.Name); h != nil && (evidence.Stopped(pods) || evidence.Condemned(job, verdict)) {
		return h.endJob(f, s)
	}
	return f.lose(s, job, reason, message)
}

// gist is what a Run's message repeats of another: beginning and end, because
// the cause of an error comes last.
func gist(message string) string {
	runes := []rune(message)
	if len(runes) <= maxSummary {
		return message
	}
	return string(runes[:maxSummary/2]) + "…" + string(runes[len(runes)-(maxSummary-maxSummary/2-1):])
}
