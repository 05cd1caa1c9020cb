package plan

import (
	"cmp"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// part is a job or service of the Run, and what is seen of it.
type part struct {
	name string
	// job is its Job, nil if it has none, and pods are those that the Job has made.
	job  *batchv1.Job
	pods []corev1.Pod
	// told is since when its pods are to stop, as recorded, nil for not.
	told *metav1.Time
	// halt is why it is to end now, or nil.
	halt *halt
}

// part returns what is seen of a job or service.
func (f *Facts) part(name string) part {
	p := part{name: name, job: f.Jobs[name], told: f.Run.Status.CompletionTime}
	if s, known := statusOf(f.Run, name); known {
		p.told = cmp.Or(s.StoppingSince, s.CompletionTime, p.told)
	}
	if p.job != nil {
		p.pods = f.podsOf(p.job)
	}
	return p
}
