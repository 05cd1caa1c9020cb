package plan_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/plan"
)

// left is what a container of the pod has left when it ended with 0. Names of
// init containers begin with init.
func left(container, message string) podOption {
	return ended(container, message, 0)
}

func ended(container, message string, code int32) podOption {
	return func(p *corev1.Pod) {
		status := corev1.ContainerStatus{Name: container, State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: *ts(5), Message: message},
		}}
		spec := corev1.Container{Name: container}
		switch {
		case container == "main":
			p.Status.ContainerStatuses[0] = status
		case strings.HasPrefix(container, "init"):
			p.Spec.InitContainers = append(p.Spec.InitContainers, spec)
			p.Status.InitContainerStatuses = append(p.Status.InitContainerStatuses, status)
		default:
			p.Spec.Containers = append(p.Spec.Containers, spec)
			// The kubelet sorts by name.
			p.Status.ContainerStatuses = append([]corev1.ContainerStatus{status}, p.Status.ContainerStatuses...)
		}
	}
}

// object is a JSON object of that many bytes.
func object(size int) string {
	const empty = `{"a":""}`
	return `{"a":"` + strings.Repeat("x", size-len(empty)) + `"}`
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	const noObject = "container main: its termination message is no JSON object of strings: decode JSON: "
	tooLarge := func(container string, limit int) outcome {
		return outcome{"Failed", "OutputsTooLarge", fmt.Sprintf("container %s: its outputs have %d bytes or more, where the kubelet cuts them: hand on less, such as an address", container, limit)}
	}
	invalid := func(message string) outcome { return outcome{"Failed", "InvalidOutputs", message} }
	succeeded := outcome{Phase: "Succeeded"}
	for _, tt := range []struct {
		name    string
		pod     []podOption
		job     []jobOption
		outputs map[string]string
		want    outcome
		// declares are the outputs that the job has to leave.
		declares []string
	}{
		{name: "none", pod: []podOption{left("main", "")}, want: succeeded},
		{name: "blank", pod: []podOption{left("main", " \n")}, want: succeeded},
		{name: "no names", pod: []podOption{left("main", "{}")}, want: succeeded, outputs: map[string]string{}},
		{
			name: "strings", pod: []podOption{left("main", `{"version": "1.4", "_b": "", "C3": "$(KAYCI_RUN)\n\"é\""}`+"\n")},
			want: succeeded, outputs: map[string]string{"version": "1.4", "_b": "", "C3": "$(KAYCI_RUN)\n\"é\""},
		},
		{
			name: "all containers, in the order of the pod",
			pod: []podOption{
				left("init-1", `{"first": "1", "both": "1"}`), left("init-2", `{"both": "2"}`),
				left("main", `{"main": "m", "both": "m"}`), left("a-later-one", `{"both": "l"}`),
			},
			want: succeeded, outputs: map[string]string{"first": "1", "both": "l", "main": "m"},
		},
		{
			name: "what a failed sidecar left is none",
			pod:  []podOption{ended("init-sidecar", "Terminated by SIGTERM", 143), left("main", `{"a": "b"}`), podPhase(corev1.PodSucceeded)},
			want: succeeded, outputs: map[string]string{"a": "b"},
		},
		{
			name: "several completions have none", pod: []podOption{left("main", "no JSON"), podPhase(corev1.PodSucceeded)},
			job:  []jobOption{func(j *batchv1.Job) { j.Spec.Completions = ptr.To[int32](2) }, verdict(batchv1.JobComplete, "", "", 80)},
			want: succeeded,
		},
		{name: "text", pod: []podOption{left("main", "done")}, want: succeeded},
		{name: "long text", pod: []podOption{left("main", strings.Repeat("x", 4096))}, want: succeeded},
		{name: "text beside outputs", pod: []podOption{left("init-1", "done"), left("main", `{"a": "b"}`)}, want: succeeded, outputs: map[string]string{"a": "b"}},
		{name: "list", pod: []podOption{left("main", `["a"]`)}, want: succeeded},
		{name: "null", pod: []podOption{left("main", `null`)}, want: succeeded},
		{name: "declared", declares: []string{"a", "b"}, pod: []podOption{left("main", `{"a": "", "b": "1", "c": "2"}`)}, want: succeeded, outputs: map[string]string{"a": "", "b": "1", "c": "2"}},
		{name: "declared, one missing", declares: []string{"a", "b"}, pod: []podOption{left("main", `{"a": "1"}`)}, want: invalid("the job has not left the output b, which it declares")},
		{name: "declared, none left", declares: []string{"a"}, pod: []podOption{left("main", "")}, want: invalid("the job has not left the output a, which it declares")},
		{name: "declared, text", declares: []string{"a"}, pod: []podOption{left("main", "done")}, want: invalid(noObject + "invalid character 'd' looking for beginning of value")},
		{name: "declared, list", declares: []string{"a"}, pod: []podOption{left("main", `["a"]`)}, want: invalid(`container main: its termination message is JSON, but no object: write it as {"name": "value"}`)},
		{name: "text behind", pod: []podOption{left("main", `{"a": "b"} x`)}, want: invalid(noObject + "invalid character 'x' after top-level value")},
		{name: "half", pod: []podOption{left("main", `{"a": "b`)}, want: invalid(noObject + "unexpected end of JSON input")},
		{name: "number", pod: []podOption{left("main", `{"a": 1}`)}, want: invalid("container main: its termination message has an output a that is no string: write its value in quotes")},
		{
			name: "name", pod: []podOption{left("init-1", `{"a-b": "canary"}`), left("main", "")},
			want: invalid(`container init-1: its termination message has an output named "a-b": a name is letters, digits and underscores, and begins with no digit`),
		},
		{name: "NUL", pod: []podOption{left("main", `{"a": "\u0000"}`)}, want: invalid("container main: its termination message has an output a with a NUL character, which no environment variable can hold")},
		{
			name: "alike", pod: []podOption{left("init-1", `{"version": "1"}`), left("main", `{"Version": "2"}`)},
			want: invalid("the outputs Version and version differ only in case, and would be one environment variable"),
		},
		{name: "all that fits", pod: []podOption{left("main", object(4095))}, want: succeeded, outputs: map[string]string{"a": strings.Repeat("x", 4087)}},
		{name: "cut", pod: []podOption{left("main", object(4096))}, want: tooLarge("main", 4096)},
		{
			name: "cut among four", pod: []podOption{left("init-1", ""), left("init-2", object(3072)), left("init-3", ""), left("main", "")},
			want: tooLarge("init-2", 3072),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("a"), spec("b", "a"))
			f.Spec.Jobs[0].Outputs = tt.declares
			withJob(f, "a", tt.job...)
			withPod(f, "a", "pod", tt.pod...)
			d := plan.Decide(f)
			if diff := cmp.Diff(tt.want, outcomes(d)["a"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.outputs, d.Status.Jobs[0].Outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if strings.Contains(d.Status.Jobs[0].Message, "canary") {
				t.Errorf("a value stands in %q", d.Status.Jobs[0].Message)
			}
			if next := len(d.Create) > 0; next != (tt.want.Phase == "Succeeded") {
				t.Errorf("creates %v", d.Create)
			}
			// What the status says stays, whatever becomes of the pod.
			f.Run.Status, f.Pods = *d.Status.DeepCopy(), nil
			if diff := cmp.Diff(d.Status.Jobs[0], plan.Decide(f).Status.Jobs[0]); diff != "" {
				t.Errorf("deciding again changed the job (-first +second):\n%s", diff)
			}
		})
	}
}

// A later job could not tell whose output such a variable is.
func TestOutputsSpeakForNoOtherJob(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]outcome{
		`{"web_version": "1"}`:                {"Failed", "InvalidOutputs", "the output web_version would be the environment variable of an output of the job build-web: choose another name"},
		`{"a": "1", "Web_App_": "1"}`:         {"Failed", "InvalidOutputs", "the output Web_App_ would be the environment variable of an output of the job build-web-app: choose another name"},
		`{"web": "1", "webversion": "1"}`:     {Phase: "Succeeded"},
		`{"_web_version": "1", "app_v": "1"}`: {Phase: "Succeeded"},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			f := facts(spec("build-web-app"), spec("build"), spec("build-web", "build"), spec("next", "build"))
			withJob(f, "build")
			withPod(f, "build", "pod", left("main", message))
			if diff := cmp.Diff(want, outcomes(plan.Decide(f))["build"]); diff != "" {
				t.Errorf("job (-want +got):\n%s", diff)
			}
		})
	}
}

// The outputs of a Run fit its status and the pods of its jobs, however many
// jobs there are.
func TestOutputsOfARunAreBounded(t *testing.T) {
	t.Parallel()
	var jobs []v1alpha1.Job
	for i := range 20 {
		jobs = append(jobs, spec(fmt.Sprintf("j%d", i)))
	}
	f := facts(jobs...)
	value := map[string]string{"a": strings.Repeat("x", 4087)}
	f.Run.Status.Jobs = []v1alpha1.JobStatus{{Name: "j19", Phase: v1alpha1.JobSucceeded, Outputs: value}}
	for i := range 19 {
		withJob(f, jobs[i].Name)
		withPod(f, jobs[i].Name, "pod-"+jobs[i].Name, left("main", object(4095)))
	}
	d := plan.Decide(f)
	total := 0
	for i := range d.Status.Jobs {
		total += len(d.Status.Jobs[i].Outputs["a"]) + len("a")
	}
	if got, last := outcomes(d), "j15"; total > 64<<10 || got["j14"].Phase != v1alpha1.JobSucceeded || got["j19"].Phase != v1alpha1.JobSucceeded {
		t.Errorf("%d bytes of outputs in all; %s is %v", total, last, got[last])
	}
	want := outcome{"Failed", "OutputsTooLarge", "with the outputs of this job those of the Run would have 69496 bytes, and 65536 is the limit"}
	if diff := cmp.Diff(want, outcomes(d)["j16"]); diff != "" {
		t.Errorf("a job beyond the limit (-want +got):\n%s", diff)
	}
}

// FuzzOutputs checks that whatever a container leaves, the job either succeeds
// with outputs that fit environment variables, or says in bounded words why not.
func FuzzOutputs(f *testing.F) {
	for _, seed := range []string{`{"a": "b"}`, `{"a": 1}`, `{"A": "", "a": "\u0000"}`, "done", "null", `{"a-b": ""}`, object(4096), "{}\x00", `{"a": "\ud800"}`} {
		f.Add(seed)
	}
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	f.Fuzz(func(t *testing.T, message string) {
		facts := facts(spec("a"))
		withJob(facts, "a")
		withPod(facts, "a", "pod", left("main", message))
		got := plan.Decide(facts).Status.Jobs[0]
		failed := got.Phase == v1alpha1.JobFailed && (got.Reason == v1alpha1.ReasonInvalidOutputs || got.Reason == v1alpha1.ReasonOutputsTooLarge)
		if got.Phase != v1alpha1.JobSucceeded && !failed || failed && (len(got.Outputs) > 0 || got.Message == "") {
			t.Errorf("%s, %s: %q with %d outputs", got.Phase, got.Reason, got.Message, len(got.Outputs))
		}
		if len([]rune(got.Message)) > 512 {
			t.Errorf("the message has %d bytes", len(got.Message))
		}
		variables := map[string]bool{}
		for key, value := range got.Outputs {
			if !name.MatchString(key) || strings.ContainsRune(value, 0) || !utf8.ValidString(value) || variables[strings.ToUpper(key)] {
				t.Errorf("output %q is %q, which is no environment variable of its own", key, value)
			}
			variables[strings.ToUpper(key)] = true
		}
	})
}
