package job

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// AddPhases tells the containers that get the parameters what became of the jobs
// before this one, each and the failed ones together, and of the Run, unless that
// is blank. It comes last, and takes the place of what has its names.
func AddPhases(built *batchv1.Job, earlier []v1alpha1.JobStatus, run v1alpha1.RunPhase) {
	failed := failedJobs(earlier)
	eachInjected(&built.Spec.Template, func(c *corev1.Container) {
		for i := range earlier {
			setVariable(c, v1alpha1.EnvJobPhase(earlier[i].Name), string(earlier[i].Phase))
		}
		setVariable(c, v1alpha1.EnvFailedJobs, failed)
		if run != "" {
			setVariable(c, v1alpha1.EnvRunPhase, string(run))
		}
	})
}

// failedJobs returns the names of those that have failed, which isn't allowed to
// them.
func failedJobs(jobs []v1alpha1.JobStatus) string {
	var failed []string
	for i := range jobs {
		if jobs[i].HasFailed() {
			failed = append(failed, jobs[i].Name)
		}
	}
	return strings.Join(failed, ",")
}
