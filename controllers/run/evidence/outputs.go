package evidence

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// The kubelet cuts what a container leaves at the smaller of the two, and says
// nothing: a container's own limit, and its share of the pod's.
const (
	maxTermination    = 4096
	maxPodTermination = 12 << 10
)

// maxName bounds what a message shows of a name that is none.
const maxName = 160

var outputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// termination is what a container that has ended has left.
type termination struct {
	name, message string
	// failed: it has not ended with 0. Also a native sidecar may when it is told to
	// end.
	failed bool
	// log: the message may be the end of the container's log.
	log bool
}

// Outputs merges what the containers have left that have ended with 0, in
// their order in the pod. The kubelet reports them in another. Strict: every text
// is meant as outputs.
func Outputs(pod *corev1.Pod, strict bool) (outputs map[string]string, reason string, err error) {
	limit := terminationLimit(pod)
	for _, c := range terminations(pod) {
		if c.failed || !strict && !meantAsOutputs(c.message) {
			continue
		}
		if len(c.message) >= limit {
			return nil, v1alpha1.ReasonOutputsTooLarge, fmt.Errorf("container %s: its outputs have %d bytes or more, where the kubelet cuts them: hand on less, such as an address", c.name, limit)
		}
		found, err := parseOutputs(c.message)
		if err != nil {
			return nil, v1alpha1.ReasonInvalidOutputs, fmt.Errorf("container %s: its termination message %w", c.name, err)
		}
		if outputs == nil {
			outputs = found
		} else {
			maps.Copy(outputs, found)
		}
	}
	return outputs, v1alpha1.ReasonInvalidOutputs, alike(outputs)
}

// terminationLimit is where the kubelet cuts what a container of the pod leaves.
func terminationLimit(pod *corev1.Pod) int {
	count := len(pod.Spec.InitContainers) + len(pod.Spec.Containers) + len(pod.Status.EphemeralContainerStatuses)
	return min(maxTermination, maxPodTermination/max(count, 1))
}

// terminations returns what the containers of the pod have left, in the order of
// its spec, but for the container that keeps things: its message is for KayCI.
func terminations(pod *corev1.Pod) []termination {
	var left []termination
	for _, group := range []struct {
		containers []corev1.Container
		statuses   []corev1.ContainerStatus
	}{
		{pod.Spec.InitContainers, pod.Status.InitContainerStatuses},
		{pod.Spec.Containers, pod.Status.ContainerStatuses},
	} {
		for i := range group.containers {
			c := &group.containers[i]
			at := slices.IndexFunc(group.statuses, func(s corev1.ContainerStatus) bool { return s.Name == c.Name })
			if at < 0 || group.statuses[at].State.Terminated == nil || keeper(c) {
				continue
			}
			t := group.statuses[at].State.Terminated
			failed := t.ExitCode != 0
			left = append(left, termination{
				name: c.Name, message: t.Message, failed: failed,
				log: failed && c.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError,
			})
		}
	}
	return left
}

// meantAsOutputs reports whether a termination message is, rather than a
// program's own last words: it begins as an object does.
func meantAsOutputs(message string) bool {
	return strings.HasPrefix(strings.TrimSpace(message), "{")
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
			return nil, fmt.Errorf("has an output named %q: a name is letters, digits and underscores, and begins with no digit", printable.Cut(key, maxName))
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

// Leftovers returns the well-formed outputs of the newest pod of which a container
// has ended, nil for none.
func Leftovers(pods []corev1.Pod) (outputs map[string]string) {
	pod := lastToLeave(pods)
	if pod == nil {
		return nil
	}
	for _, c := range terminations(pod) {
		if c.log || len(c.message) >= terminationLimit(pod) || !meantAsOutputs(c.message) {
			continue
		}
		found, err := parseOutputs(c.message)
		if err != nil || len(found) == 0 {
			continue
		}
		if outputs == nil {
			outputs = found
		} else {
			maps.Copy(outputs, found)
		}
	}
	if alike(outputs) != nil {
		return nil
	}
	return outputs
}

// lastToLeave returns the newest pod of which a container has ended, or nil.
func lastToLeave(pods []corev1.Pod) *corev1.Pod {
	var last *corev1.Pod
	for i := range pods {
		if pod := &pods[i]; len(terminations(pod)) > 0 && (last == nil || last.CreationTimestamp.Before(&pod.CreationTimestamp)) {
			last = pod
		}
	}
	return last
}
