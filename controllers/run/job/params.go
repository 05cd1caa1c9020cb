package job

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// ParamsName returns the name of the ConfigMap with the parameters of a
// Pipeline's Run of that number. Creating the object is what claims the number:
// two Runs can't both succeed.
func ParamsName(pipeline string, number int64) string {
	return fmt.Sprintf("%s-%d-params", pipeline, number)
}

// Params returns the ConfigMap that carries a Run's parameters, and what the
// Run is, as environment variables. Params are the effective ones, with
// defaults.
func Params(run *v1alpha1.Run, number int64, params map[string]string) *corev1.ConfigMap {
	data := make(map[string]string, len(params)+4)
	for name, value := range params {
		data[v1alpha1.EnvPrefix+strings.ToUpper(name)] = value
	}
	data[v1alpha1.EnvRun] = run.Name
	data[v1alpha1.EnvPipeline] = run.Spec.Pipeline
	data[v1alpha1.EnvNamespace] = run.Namespace
	data[v1alpha1.EnvRunNumber] = strconv.FormatInt(number, 10)
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: run.Namespace,
			Name:      ParamsName(run.Spec.Pipeline, number),
			Labels: map[string]string{
				v1alpha1.RunLabel:      run.Name,
				v1alpha1.PipelineLabel: run.Spec.Pipeline,
			},
			OwnerReferences: []metav1.OwnerReference{owner(run)},
		},
		Immutable: new(true),
		Data:      data,
	}
}

// inject gives the parameters to the containers that the template's annotation
// names, by default to all. The ConfigMap comes last, because the last source of
// a variable wins. KAYCI_JOB differs within the Run and so stands inline; a
// service has none.
func inject(pod *corev1.PodTemplateSpec, configMap, job string) {
	eachInjected(pod, func(c *corev1.Container) {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{
			ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap}},
		})
		if job != "" {
			setVariable(c, v1alpha1.EnvJob, job)
		}
	})
}

// eachInjected does something with each container that gets the parameters.
func eachInjected(pod *corev1.PodTemplateSpec, do func(*corev1.Container)) {
	chosen := named(pod, v1alpha1.InjectParamsAnnotation)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			if chosen(containers[i].Name) {
				do(&containers[i])
			}
		}
	}
}

// setVariable puts a variable last, in the place of any that has its name.
func setVariable(c *corev1.Container, name, value string) {
	c.Env = slices.DeleteFunc(c.Env, func(env corev1.EnvVar) bool { return env.Name == name })
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: literal(value)})
}

// named returns whether the annotation of the pod template chooses a container.
// Without the annotation every one is chosen.
func named(pod *corev1.PodTemplateSpec, annotation string) func(container string) bool {
	names, restricted := pod.Annotations[annotation]
	if !restricted {
		return func(string) bool { return true }
	}
	var chosen []string
	for name := range strings.SplitSeq(names, ",") {
		chosen = append(chosen, strings.TrimSpace(name))
	}
	return func(container string) bool { return slices.Contains(chosen, container) }
}

// literal escapes a value that stands inline in a pod spec: Kubernetes expands
// $(NAME) there and reads $$ as a dollar sign.
func literal(value string) string {
	return strings.ReplaceAll(value, "$", "$$")
}
