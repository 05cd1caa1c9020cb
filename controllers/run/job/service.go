package job

import (
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
)

// ServiceName returns the name of the Service of a Run's service:
// `<service>-<run>`, so that it begins with a letter, and when that is longer
// than 63 characters its beginning and a hash of the whole.
func ServiceName(run, service string) string {
	return names.Joined(service, run, names.MaxLabel)
}

// ServiceNameOf returns the name that the Service of a service of this Run has.
func ServiceNameOf(run *v1alpha1.Run, service string) string {
	return nameOf(run, ServicePart(service), ServiceName(run.Name, service))
}

// BuildService returns the Job of one service of the Run. Its pod is never
// replaced, not even after a disruption: what it held is lost, and the Run with
// it.
func BuildService(run *v1alpha1.Run, number int64, pipeline *v1alpha1.PipelineSpec, spec *v1alpha1.Service) *batchv1.Job {
	built := assemble(run, number, &spec.Template, v1alpha1.ServiceLabel, spec.Name)
	built.Spec.BackoffLimit = ptr.To[int32](0)
	built.Spec.PodReplacementPolicy = ptr.To(batchv1.Failed)
	pod := &built.Spec.Template
	if pod.Spec.Hostname == "" {
		// Only such a Job can be complete without its program having ended. It sets
		// the pod's host name.
		built.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion)
		built.Spec.Completions, built.Spec.Parallelism = ptr.To[int32](1), ptr.To[int32](1)
	}
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	setToken(&pod.Spec)
	inject(pod, ParamsName(run.Spec.Pipeline, number), "")
	tellServices(pod, run, pipeline.Services)
	mountWorkspace(pod, run.Name, pipeline.Workspace)
	return built
}

// Service returns the headless Service that a Run's service is found by. Its
// name resolves before the pod is ready: the jobs wait for that by themselves,
// and a name that didn't resolve at first would be remembered as such.
func Service(run *v1alpha1.Run, spec *v1alpha1.Service) *corev1.Service {
	labels := map[string]string{
		v1alpha1.RunLabel:     run.Name,
		v1alpha1.ServiceLabel: spec.Name,
	}
	ports := make([]corev1.ServicePort, 0, len(spec.Ports))
	for i := range spec.Ports {
		p := &spec.Ports[i]
		ports = append(ports, corev1.ServicePort{
			Name: p.NameOrDefault(), Port: p.Port, TargetPort: intstr.FromInt32(p.Port), Protocol: corev1.ProtocolTCP,
		})
	}
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       run.Namespace,
			Name:            ServiceNameOf(run, spec.Name),
			Labels:          merge(labels, map[string]string{v1alpha1.PipelineLabel: run.Spec.Pipeline}),
			OwnerReferences: []metav1.OwnerReference{owner(run)},
		},
		Spec: corev1.ServiceSpec{
			ClusterIP:                corev1.ClusterIPNone,
			Selector:                 labels,
			Ports:                    ports,
			PublishNotReadyAddresses: true,
		},
	}
}

// tellServices gives the addresses of the Run's services to the containers that
// get its parameters.
func tellServices(pod *corev1.PodTemplateSpec, run *v1alpha1.Run, services []v1alpha1.Service) {
	for i := range services {
		s := &services[i]
		addresses := addresses(run, s)
		eachInjected(pod, func(c *corev1.Container) {
			for k, name := range s.Variables() {
				setVariable(c, name, addresses[k])
			}
		})
	}
}

// addresses of the service, in the order of its variables.
func addresses(run *v1alpha1.Run, s *v1alpha1.Service) []string {
	host := ServiceNameOf(run, s.Name) + "." + run.Namespace + ".svc"
	var found []string
	for i := range s.Ports {
		address := fmt.Sprintf("%s:%d", host, s.Ports[i].Port)
		if i == 0 {
			found = append(found, address)
		}
		if s.Ports[i].Name != "" {
			found = append(found, address)
		}
	}
	return found
}
