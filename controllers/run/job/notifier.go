package job

import (
	"math"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kayci/kayci/api/v1alpha1"
)

// A notifier that gets nowhere is ended: nobody waits for it, and its Run can't be
// deleted before. The pod has notifierDeadline from its start on a node, and what
// it waits for before that may take notifierWait, in all of its attempts.
const (
	notifierDeadline = 10 * time.Minute
	notifierWait     = 20 * time.Minute
)

// BuildNotifier returns the Job with which a notifier tells of the status that
// the Run comes to.
func BuildNotifier(run *v1alpha1.Run, number int64, spec *v1alpha1.Notifier, status *v1alpha1.RunStatus) *batchv1.Job {
	built := assemble(run, number, &spec.Template, v1alpha1.NotifierLabel, spec.Name)
	part := spec.JobName(status.Phase)
	built.Name = nameOf(run, NotifierPart(part), Name(run.Name, part))
	pod := &built.Spec.Template
	setAttempts(&built.Spec)
	if pod.Spec.ActiveDeadlineSeconds == nil {
		pod.Spec.ActiveDeadlineSeconds = new(int64(notifierDeadline.Seconds()))
	}
	if built.Spec.ActiveDeadlineSeconds == nil {
		most := min(*pod.Spec.ActiveDeadlineSeconds, math.MaxInt32)
		built.Spec.ActiveDeadlineSeconds = new(most + int64(notifierWait.Seconds()))
	}
	setToken(&pod.Spec)
	inject(pod, ParamsName(run.Spec.Pipeline, number), "")
	tell(pod, status)
	return built
}

// tell gives the Run's status to the containers that get its parameters.
func tell(pod *corev1.PodTemplateSpec, status *v1alpha1.RunStatus) {
	message := ""
	if c := meta.FindStatusCondition(status.Conditions, v1alpha1.SucceededCondition); c != nil {
		message = c.Message
	}
	failed := failedJobs(status.Jobs)
	eachInjected(pod, func(c *corev1.Container) {
		setVariable(c, v1alpha1.EnvRunPhase, string(status.Phase))
		setVariable(c, v1alpha1.EnvRunMessage, message)
		setVariable(c, v1alpha1.EnvFailedJobs, failed)
	})
}
