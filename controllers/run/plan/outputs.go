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
	declared := f.declared(s.Name)
	outputs, reason, err := podOutputs(pod, len(declared) > 0)
	if err == nil {
		err = hasAll(outputs, declared)
	}
	if err == nil {
		err = f.posing(s.Name, outputs)
	}
	if err == nil {
		reason = v1alpha1.ReasonOutputsTooLarge
		err = f.fits(s.Name, outputs, done)
	}
	if err != nil {
		return f.end(s, v1alpha1.JobFailed, reason, shorten(err.Error()))
	}
	s.Outputs = outputs
	return f.end(s, v1alpha1.JobSucceeded, "", "")
}

// podOutputs merges what the containers have left that have ended with 0, in
// their order in the pod. The kubelet reports them in another. Strict: every text
// is meant as outputs.
func podOutputs(pod *corev1.Pod, strict bool) (outputs map[string]string, reason string, err error) {
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

// termination is what a container that has ended has left.
type termination struct {
	name, message string
	// failed: it has not ended with 0. Also a native sidecar may when it is told to
	// end.
	failed bool
	// log: the message may be the end of the container's log.
	log bool
}

// terminations returns what the containers of the pod have left, in the order of
// its spec.
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
			if at < 0 || group.statuses[at].State.Terminated == nil {
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

// declared returns the outputs that the job has to leave.
func (f *Facts) declared(job string) []string {
	for i := range f.Spec.Jobs {
		if f.Spec.Jobs[i].Name == job {
			return f.Spec.Jobs[i].Outputs
		}
	}
	return nil
}

// hasAll refuses outputs among which a declared one is missing.
func hasAll(outputs map[string]string, declared []string) error {
	for _, name := range declared {
		if _, left := outputs[name]; !left {
			return fmt.Errorf("the job has not left the output %s, which it declares", name)
		}
	}
	return nil
}

// fits refuses outputs that the Run has no room for.
func (f *Facts) fits(job string, outputs map[string]string, done map[string]*v1alpha1.JobStatus) error {
	if len(outputs) == 0 {
		return nil
	}
	if all := outputBytes(outputs) + f.otherOutputs(job, done); all > maxOutputs {
		return fmt.Errorf("with the outputs of this job those of the Run would have %d bytes, and %d is the limit", all, maxOutputs)
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
