package plan

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

// Reasons of jobs that succeeded but for what they left as outputs.
const (
	// ReasonInvalidOutputs: a container's termination message is neither blank nor
	// a JSON object of strings.
	ReasonInvalidOutputs = "InvalidOutputs"
	// ReasonOutputsTooLarge: the kubelet has cut a termination message, or the Run
	// has no room for the job's outputs.
	ReasonOutputsTooLarge = "OutputsTooLarge"
)

const (
	// The kubelet cuts what a container leaves at the smaller of the two, and says
	// nothing: a container's own limit, and its share of the pod's.
	maxTermination    = 4096
	maxPodTermination = 12 << 10

	// maxOutputs bounds the outputs of a Run, in bytes of names and values. They
	// are part of its status, and of the pod specs of later jobs.
	maxOutputs = 64 << 10
)

var outputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// succeed records that the pod's containers have all done their work, and what
// they have left for later jobs.
func (f *Facts) succeed(s v1alpha1.JobStatus, pod *corev1.Pod, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	s.CompletionTime = finishedAt(pod)
	outputs, reason, err := podOutputs(pod)
	if err == nil {
		err = f.posing(s.Name, outputs)
	}
	if err == nil && len(outputs) > 0 {
		if all := outputBytes(outputs) + f.otherOutputs(s.Name, done); all > maxOutputs {
			reason = ReasonOutputsTooLarge
			err = fmt.Errorf("with the outputs of this job those of the Run would have %d bytes, and %d is the limit", all, maxOutputs)
		}
	}
	if err != nil {
		return f.end(s, v1alpha1.JobFailed, reason, shorten(err.Error()))
	}
	s.Outputs = outputs
	return f.end(s, v1alpha1.JobSucceeded, "", "")
}

// podOutputs merges what the containers have left, in their order in the pod.
// The kubelet reports them in another.
func podOutputs(pod *corev1.Pod) (outputs map[string]string, reason string, err error) {
	count := len(pod.Spec.InitContainers) + len(pod.Spec.Containers) + len(pod.Status.EphemeralContainerStatuses)
	limit := min(maxTermination, maxPodTermination/max(count, 1))
	for _, group := range []struct {
		containers []corev1.Container
		statuses   []corev1.ContainerStatus
	}{
		{pod.Spec.InitContainers, pod.Status.InitContainerStatuses},
		{pod.Spec.Containers, pod.Status.ContainerStatuses},
	} {
		for i := range group.containers {
			name := group.containers[i].Name
			left := termination(group.statuses, name)
			if len(left) >= limit {
				return nil, ReasonOutputsTooLarge, fmt.Errorf("container %s: its outputs have %d bytes or more, where the kubelet cuts them: hand on less, such as an address", name, limit)
			}
			found, err := parseOutputs(left)
			if err != nil {
				return nil, ReasonInvalidOutputs, fmt.Errorf("container %s: its termination message %w", name, err)
			}
			if outputs == nil {
				outputs = found
			} else {
				maps.Copy(outputs, found)
			}
		}
	}
	return outputs, ReasonInvalidOutputs, alike(outputs)
}

// termination returns what the container left. That of one that has failed, as
// a native sidecar may when it is told to end, can be its log.
func termination(statuses []corev1.ContainerStatus, container string) string {
	for i := range statuses {
		if t := statuses[i].State.Terminated; statuses[i].Name == container && t != nil && t.ExitCode == 0 {
			return t.Message
		}
	}
	return ""
}

// parseOutputs reads a termination message: blank, or a JSON object of strings.
// Its errors continue a sentence, and repeat names but no values.
func parseOutputs(message string) (map[string]string, error) {
	if strings.TrimSpace(message) == "" {
		return nil, nil //nolint:nilnil // No outputs are usual and no error.
	}
	decoded, err := expr.DecodeJSON([]byte(message))
	if err != nil {
		return nil, fmt.Errorf("is no JSON object of strings: %w", err)
	}
	object, ok := decoded.(map[string]any)
	if !ok {
		return nil, errors.New(`is JSON, but no object: write it as {"name": "value"}`)
	}
	outputs := make(map[string]string, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, ok := object[key].(string)
		switch {
		case !outputName.MatchString(key):
			return nil, fmt.Errorf("has an output named %q: a name is letters, digits and underscores, and begins with no digit", cut(key, maxSummary))
		case !ok:
			return nil, fmt.Errorf("has an output %s that is no string: write its value in quotes", key)
		case strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("has an output %s with a NUL character, which no environment variable can hold", key)
		}
		outputs[key] = value
	}
	return outputs, nil
}

// alike refuses names that would be one environment variable.
func alike(outputs map[string]string) error {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		if other, ok := seen[strings.ToUpper(name)]; ok {
			return fmt.Errorf("the outputs %s and %s differ only in case, and would be one environment variable", other, name)
		}
		seen[strings.ToUpper(name)] = name
	}
	return nil
}

// posing refuses outputs that would be variables of another job's: with a job
// build-web, an output web_version of build. A job that runs a stranger's code
// could otherwise speak for one that is trusted.
func (f *Facts) posing(job string, outputs map[string]string) error {
	for i := range f.Spec.Jobs {
		other := f.Spec.Jobs[i].Name
		rest, found := strings.CutPrefix(other, job+"-")
		if !found {
			continue
		}
		prefix := strings.ToUpper(strings.ReplaceAll(rest, "-", "_")) + "_"
		for _, name := range slices.Sorted(maps.Keys(outputs)) {
			if strings.HasPrefix(strings.ToUpper(name), prefix) {
				return fmt.Errorf("the output %s would be the environment variable of an output of the job %s: choose another name", name, other)
			}
		}
	}
	return nil
}

// otherOutputs is how much of the Run's room other jobs have taken: those decided
// about before this one, and those recorded after it.
func (f *Facts) otherOutputs(name string, done map[string]*v1alpha1.JobStatus) int {
	taken := 0
	for _, s := range done {
		taken += outputBytes(s.Outputs)
	}
	for i := range f.Run.Status.Jobs {
		s := &f.Run.Status.Jobs[i]
		if done[s.Name] == nil && s.Name != name {
			taken += outputBytes(s.Outputs)
		}
	}
	return taken
}

func outputBytes(outputs map[string]string) int {
	size := 0
	for name, value := range outputs {
		size += len(name) + len(value)
	}
	return size
}
