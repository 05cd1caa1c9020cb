package client

import (
	"regexp"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kayci/kayci/api/v1alpha1"
)

func isName(text string) bool { return len(validation.IsDNS1123Subdomain(text)) == 0 }

// words are what API servers take as names of phases, reasons, labels and the like: such
// words are shown as they are, where texts of strangers are made fit for eyes.
var words = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:,/-]*$`)

// are reports whether each of the texts is fit, or blank.
func are(is func(string) bool, texts ...string) bool {
	for _, text := range texts {
		if text != "" && !is(text) {
			return false
		}
	}
	return true
}

// fit reports whether a Run's names and words are such as an API server takes: what the
// store says may be anybody's.
func fit(run *v1alpha1.Run) bool {
	if !isName(run.Name) || !isName(run.Namespace) || !isName(run.Spec.Pipeline) ||
		!are(isName, run.Spec.Revision, run.Spec.RetryOf) || !are(words.MatchString, string(run.UID), string(run.Status.Phase)) {
		return false
	}
	for i := range run.Status.Jobs {
		job := &run.Status.Jobs[i]
		if !isName(job.Name) || !are(isName, job.Job, job.ReusedFrom) || !are(words.MatchString, string(job.Phase), job.Reason) {
			return false
		}
	}
	for i := range run.Status.Services {
		service := &run.Status.Services[i]
		if !isName(service.Name) || !are(isName, service.Job) || !are(words.MatchString, string(service.Phase), service.Reason) {
			return false
		}
	}
	return fitConditions(run.Status.Conditions)
}

func fitConditions(conditions []metav1.Condition) bool {
	for i := range conditions {
		if c := &conditions[i]; !are(words.MatchString, c.Type, c.Reason, string(c.Status)) {
			return false
		}
	}
	return true
}

// fitPod reports so of a pod.
func fitPod(pod *corev1.Pod) bool {
	if !isName(pod.Name) || !isName(string(pod.UID)) || !are(isName, pod.Spec.NodeName) {
		return false
	}
	for _, label := range []string{v1alpha1.RunLabel, v1alpha1.JobLabel, v1alpha1.ServiceLabel} {
		if !are(isName, pod.Labels[label]) {
			return false
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if !isName(list[i].Name) {
				return false
			}
		}
	}
	return true
}

// fitSpec reports so of what a Run has executed.
func fitSpec(spec *v1alpha1.PipelineSpec) bool {
	for i := range spec.Jobs {
		if !isName(spec.Jobs[i].Name) || !are(isName, spec.Jobs[i].Needs...) {
			return false
		}
	}
	for i := range spec.Services {
		if !isName(spec.Services[i].Name) {
			return false
		}
	}
	for i := range spec.Notifiers {
		if !isName(spec.Notifiers[i].Name) {
			return false
		}
	}
	return true
}
