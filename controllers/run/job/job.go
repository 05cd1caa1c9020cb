// Package job builds the batch/v1 Jobs of a Run's jobs and services, the Services
// that those are found by, the claim of the Run's workspace and the ConfigMap
// with its parameters. It is pure: the same Run, number and spec always
// give the same objects under the same names, so that making them again after a
// crash meets what is there already.
package job

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/queue"
)

// NumberAnnotation is, on a Job, the number of its Run: a controller that was
// killed before it could record the number in the Run's status finds it here.
const NumberAnnotation = v1alpha1.Group + "/run-number"

const (
	// maxName leaves room for the index, of up to 10 digits, that an Indexed Job
	// appends to its name: `<name>-<index>` is a pod's host name, of at most 63
	// characters, and the API server refuses a Job whose pods would have a longer.
	maxName    = 52
	hashLength = 10
)

// Name returns the name of the Job of a Run's job or service: `<run>-<name>`,
// and when that is longer than 52 characters its beginning and a hash of the
// whole.
func Name(run, name string) string {
	return join(run, name, maxName)
}

// JobPart returns how `status.renamed` calls the Job of a job or service.
func JobPart(name string) string { return "Job/" + name }

// ServicePart does so for a service's Service.
func ServicePart(name string) string { return "Service/" + name }

// NotifierPart does so for the Job of a notifier that tells of a phase.
func NotifierPart(name string) string { return "Notifier/" + name }

// JobName returns the name of the Job of a job or service of the Run.
func JobName(run *v1alpha1.Run, name string) string {
	return nameOf(run, JobPart(name), Name(run.Name, name))
}

// nameOf returns the name of an object of the Run: its own, or the other one if that
// is recorded.
func nameOf(run *v1alpha1.Run, part, own string) string {
	if slices.Contains(run.Status.Renamed, part) {
		return OtherName(run, own)
	}
	return own
}

// OtherName returns the name of an object of the Run that can't have its own,
// because something that isn't the Run's has that: Run `a` with a job `b-c` and Run
// `a-b` with a job `c` want one name. It ends with a hash of it and the Run's UID.
func OtherName(run *v1alpha1.Run, taken string) string {
	return taken[:min(len(taken), maxName-1-hashLength)] + "-" + hash(string(run.UID)+"\n"+taken)
}

// join joins two names with a dash. What is longer than most is cut, and ends
// with a hash of the whole.
func join(first, second string, most int) string {
	name := first + "-" + second
	if len(name) <= most {
		return name
	}
	return name[:most-1-hashLength] + "-" + hash(first+"\n"+second)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))[:hashLength]
}

// Build returns the Job of one job of the Run. It keeps the job's template and
// adds what makes it a part of the Run. The number is the Run's, and the
// Pipeline's spec is the one that the Run is pinned to.
func Build(run *v1alpha1.Run, number int64, pipeline *v1alpha1.PipelineSpec, spec *v1alpha1.Job) *batchv1.Job {
	built := assemble(run, number, &spec.Template, v1alpha1.JobLabel, spec.Name)
	pod := &built.Spec.Template
	setAttempts(&built.Spec)
	setTimeout(&pod.Spec, spec.Timeout)
	setToken(&pod.Spec)
	inject(pod, ParamsName(run.Spec.Pipeline, number), spec.Name)
	tellServices(pod, run, pipeline.Services)
	mountWorkspace(pod, run.Name, pipeline.Workspace)
	return built
}

// assemble returns the Job that a template makes in a Run, under the name that
// the part has in the Pipeline. Its role is the label that holds that name.
func assemble(run *v1alpha1.Run, number int64, given *batchv1.JobTemplateSpec, role, name string) *batchv1.Job {
	template := given.DeepCopy()
	for _, taken := range []string{v1alpha1.JobLabel, v1alpha1.ServiceLabel, v1alpha1.NotifierLabel, v1alpha1.LockLabel, v1alpha1.RunUIDLabel} {
		// Which part a pod is of is what its label says, and which lock.
		delete(template.Labels, taken)
		delete(template.Spec.Template.Labels, taken)
	}
	labels := map[string]string{
		v1alpha1.RunLabel:      run.Name,
		role:                   name,
		v1alpha1.PipelineLabel: run.Spec.Pipeline,
	}
	if lock, bound := queue.LockOf(run); bound && role != v1alpha1.NotifierLabel {
		labels[v1alpha1.LockLabel], labels[v1alpha1.RunUIDLabel] = lock.Label(), string(run.UID)
	}
	template.Spec.Template.Labels = merge(template.Spec.Template.Labels, labels)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       run.Namespace,
			Name:            JobName(run, name),
			Labels:          merge(template.Labels, labels),
			Annotations:     merge(template.Annotations, map[string]string{NumberAnnotation: strconv.FormatInt(number, 10)}),
			OwnerReferences: []metav1.OwnerReference{owner(run)},
		},
		Spec: template.Spec,
	}
}

func owner(run *v1alpha1.Run) metav1.OwnerReference {
	return *metav1.NewControllerRef(run, v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))
}

func merge(given, ours map[string]string) map[string]string {
	merged := maps.Clone(given)
	if merged == nil {
		merged = make(map[string]string, len(ours))
	}
	maps.Copy(merged, ours)
	return merged
}

// setAttempts says how often the job is tried.
func setAttempts(spec *batchv1.JobSpec) {
	spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	// Never two pods of one attempt at once. Kubernetes demands it, too, of a Job
	// with a podFailurePolicy.
	spec.PodReplacementPolicy = ptr.To(batchv1.Failed)
	setFailures(spec)
}

// setTimeout puts the deadline on the pod. One on the Job would count the time
// in a queue, and would delete the pod with its log.
func setTimeout(pod *corev1.PodSpec, timeout *metav1.Duration) {
	if timeout == nil {
		return
	}
	seconds := int64(math.Ceil(timeout.Seconds()))
	seconds = max(1, min(seconds, int64(math.MaxInt32)))
	if given := pod.ActiveDeadlineSeconds; given == nil || *given > seconds {
		pod.ActiveDeadlineSeconds = &seconds
	}
}

// setToken keeps the API server's credentials out of pods that don't ask for
// them.
func setToken(pod *corev1.PodSpec) {
	named := pod.ServiceAccountName != "" || pod.DeprecatedServiceAccount != ""
	if !named && pod.AutomountServiceAccountToken == nil {
		pod.AutomountServiceAccountToken = new(false)
	}
}
