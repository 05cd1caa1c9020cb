package logs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Part is a job or a service of a Run, and where its logs are.
type Part struct {
	// Name of it, and whether it is a service.
	Name    string
	Service bool
	// Failed says that it has, whether or not that counts.
	Failed bool
	// Begun says that its Job was made.
	Begun bool
	// Containers in the order in which they start, attempt by attempt.
	Containers []Container
	// Missing says what logs there aren't, a sentence each.
	Missing []string
}

// Parts are the jobs of the Run and then its services, in the order of its Pipeline,
// with their containers among the pods.
func Parts(run *v1alpha1.Run, pods []corev1.Pod) []Part { return parts(run, pods, usualLoss()) }

// loss says what has become of the log of a pod that is gone, or of the logs of several.
type loss struct{ one, several string }

func usualLoss() loss { return loss{"and its log with it", "and their logs with them"} }

func parts(run *v1alpha1.Run, pods []corev1.Pod, lost loss) []Part {
	parts := make([]Part, 0, len(run.Status.Jobs)+len(run.Status.Services))
	for i := range run.Status.Jobs {
		parts = append(parts, jobPart(run, &run.Status.Jobs[i], pods, lost))
	}
	for i := range run.Status.Services {
		service := &run.Status.Services[i]
		part := Part{Name: service.Name, Service: true, Failed: service.Phase == v1alpha1.ServiceFailed, Begun: service.Job != ""}
		own := podsOf(pods, run.Name, v1alpha1.ServiceLabel, service.Name, service.Job)
		part.add(own, len(own))
		if len(own) == 0 {
			part.Missing = append(part.Missing, absent(service.Job, service.Phase.Finished(), lost))
		}
		parts = append(parts, part)
	}
	if stored(run) {
		gone := goneOf(pods)
		for i := range parts {
			parts[i].keep(gone)
		}
	}
	return parts
}

// keep notes that the logs are kept of what has ended, and of pods that are gone.
func (p *Part) keep(gone map[types.UID]bool) {
	for i := range p.Containers {
		c := &p.Containers[i]
		c.Kept = !c.State.Ended.IsZero() || gone[c.UID]
	}
}

// goneOf returns the pods that are gone: what is kept of those has no version of the
// cluster's.
func goneOf(pods []corev1.Pod) map[types.UID]bool {
	gone := map[types.UID]bool{}
	for i := range pods {
		gone[pods[i].UID] = pods[i].ResourceVersion == ""
	}
	return gone
}

func jobPart(run *v1alpha1.Run, status *v1alpha1.JobStatus, pods []corev1.Pod, lost loss) Part {
	part := Part{Name: status.Name, Failed: status.Phase == v1alpha1.JobFailed, Begun: status.Job != ""}
	own := podsOf(pods, cmp.Or(status.ReusedFrom, run.Name), v1alpha1.JobLabel, status.Name, status.Job)
	attempts := max(len(own), int(status.Attempts))
	part.add(own, attempts)
	switch {
	case len(own) == 0:
		part.Missing = append(part.Missing, absent(status.Job, status.Phase.Finished(), lost))
	case attempts > len(own):
		part.Missing = append(part.Missing, fmt.Sprintf("the pods of %s are gone, %s", attemptsText(attempts-len(own)), lost.several))
	}
	return part
}

func attemptsText(n int) string {
	if n == 1 {
		return "attempt 1"
	}
	return fmt.Sprintf("attempts 1 to %d", n)
}

// absent says why there is no log of a job or service without a pod.
func absent(job string, finished bool, lost loss) string {
	switch {
	case job != "" && finished:
		return "its pod is gone, " + lost.one
	case finished:
		return "it never started"
	default:
		return "it hasn't started yet"
	}
}

// podsOf a job or service of a Run, oldest first. Others may have their labels.
func podsOf(pods []corev1.Pod, run, label, name, job string) []*corev1.Pod {
	var own []*corev1.Pod
	for i := range pods {
		pod := &pods[i]
		owner := metav1.GetControllerOf(pod)
		if pod.Labels[v1alpha1.RunLabel] == run && pod.Labels[label] == name && owner != nil && owner.Kind == "Job" && (job == "" || owner.Name == job) {
			own = append(own, pod)
		}
	}
	slices.SortStableFunc(own, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return own
}

// add adds the containers of the pods, of which the last is the last attempt. Each index
// of an Indexed Job has attempts of its own.
func (p *Part) add(pods []*corev1.Pod, attempts int) {
	first := attempts - len(pods) + 1
	indices := map[string]int{}
	for i, pod := range pods {
		attempt := first + i
		index, indexed := pod.Annotations[batchv1.JobCompletionIndexAnnotation]
		// Whoever makes a pod may write anything there. A service has one pod of one index.
		if indexed = indexed && !p.Service && strings.Trim(index, "0123456789") == ""; !indexed {
			index = ""
		} else {
			indices[index]++
			attempt = indices[index]
		}
		for _, c := range Containers(pod) {
			c.Attempt, c.Index = attempt, index
			if p.Service {
				c.Service = p.Name
			} else {
				c.Job = p.Name
			}
			p.Containers = append(p.Containers, c)
		}
	}
}

// Containers of a pod, in the order in which they start, without what only its Run tells.
func Containers(pod *corev1.Pod) []Container {
	of := len(pod.Spec.InitContainers) + len(pod.Spec.Containers)
	list := make([]Container, 0, of)
	add := func(name string, init, sidecar bool) {
		list = append(list, Container{
			Namespace: pod.Namespace, Pod: pod.Name, Run: pod.Labels[v1alpha1.RunLabel], UID: pod.UID, Name: name, Of: of,
			Init: init && !sidecar, Sidecar: sidecar, State: stateOf(pod, name),
		})
	}
	for i := range pod.Spec.InitContainers {
		init := &pod.Spec.InitContainers[i]
		add(init.Name, true, ptr.Deref(init.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways)
	}
	for i := range pod.Spec.Containers {
		add(pod.Spec.Containers[i].Name, false, false)
	}
	return list
}
