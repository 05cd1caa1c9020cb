package validation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

const containerPath = "spec.jobs[0].template.spec.template.spec.containers[0]."

// containerErrors are those of a Pipeline with this container alone.
func containerErrors(c corev1.Container, annotations map[string]string) []string {
	c.Name, c.Image = "main", "busybox"
	return texts(validation.Pipeline(pipeline(with(job("a"), func(j *v1alpha1.Job) {
		j.Template.Spec.Template.Annotations = annotations
		j.Template.Spec.Template.Spec.Containers = []corev1.Container{c}
	}))))
}

// refusals of $(NAME), each given as the field and the name.
func refusals(fields ...string) []string {
	var want []string
	for _, f := range fields {
		at, name, _ := strings.Cut(f, " ")
		advice := `Kubernetes would paste an event's data here, and some programs run what they are given: read "$` + name + `", with quotes, in a script, ` +
			`or, if this container's program takes every argument as data, name the container in the pod's annotation kayci.dev/expand-params (ci.expandParams)`
		if strings.HasPrefix(at, "lifecycle") {
			advice = `Kubernetes expands nothing in a hook: read "$` + name + `", with quotes, in a script`
		}
		want = append(want, containerPath+at+": Forbidden: "+advice)
	}
	return want
}

func exec(words ...string) *corev1.ExecAction { return &corev1.ExecAction{Command: words} }

func probe(words ...string) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: exec(words...)}}
}

// What is refused without a word of the author is taken with it.
func TestParametersInCommands(t *testing.T) {
	const title = `$(KAYCI_TITLE)`
	for name, tc := range map[string]struct {
		container corev1.Container
		refused   []string
	}{
		"quoted in a script": {container: corev1.Container{Command: []string{"sh", "-c", `echo "$KAYCI_TITLE" "${KAYCI_TITLE}" $`}}},
		"in a script":        {corev1.Container{Command: []string{"sh", "-c", "echo " + title}}, []string{"command[2] KAYCI_TITLE"}},
		"su":                 {corev1.Container{Command: []string{"su", "root", "-c", "deploy " + title}}, []string{"command[3] KAYCI_TITLE"}},
		"awk":                {corev1.Container{Command: []string{"awk", `BEGIN{system("echo ` + title + `")}`}}, []string{"command[1] KAYCI_TITLE"}},
		"find":               {corev1.Container{Command: []string{"find", "/", "-exec", title, ";"}}, []string{"command[3] KAYCI_TITLE"}},
		"an image's entrypoint, twice": {
			corev1.Container{Args: []string{"patch", "-p", title, "--title=" + title}}, []string{"args[2] KAYCI_TITLE", "args[3] KAYCI_TITLE"},
		},
		"the program itself":           {corev1.Container{Command: []string{title}, Args: []string{title}}, []string{"command[0] KAYCI_TITLE", "args[0] KAYCI_TITLE"}},
		"an output":                    {corev1.Container{Args: []string{"$(KAYCI_OUTPUT_BUILD_X)"}}, []string{"args[0] KAYCI_OUTPUT_BUILD_X"}},
		"escaped":                      {container: corev1.Container{Command: []string{"$" + title, "$$$" + title, "$$(X)" + "$" + title}}},
		"escaped dollar, then a real":  {corev1.Container{Command: []string{"$$" + title}}, []string{"command[0] KAYCI_TITLE"}},
		"behind another variable":      {corev1.Container{Args: []string{"$(HOME)$x$(" + title + ")"}}, nil},
		"behind one that isn't closed": {container: corev1.Container{Args: []string{")$(KAYCI_TITLE", "$(A" + title, "$"}}},
		"another variable":             {container: corev1.Container{Args: []string{`$(HOME)`, "$(MY_KAYCI_X)"}, Env: []corev1.EnvVar{{Name: "HOME", Value: "$(OTHER)"}}}},
		"the value of a variable":      {container: corev1.Container{Env: []corev1.EnvVar{{Name: "TITLE", Value: title}}}},
		"by way of a variable": {
			corev1.Container{Env: []corev1.EnvVar{{Name: "T", Value: "a " + title}, {Name: "U", Value: "$(T)"}}, Args: []string{"$(T)", "$(U)", "$$(U)", "$U"}},
			[]string{"args[0] T", "args[1] U"},
		},
		"probes": {
			corev1.Container{LivenessProbe: probe("a", title), ReadinessProbe: probe(title), StartupProbe: probe("sh", "-c", title)},
			[]string{"livenessProbe.exec.command[1] KAYCI_TITLE", "readinessProbe.exec.command[0] KAYCI_TITLE", "startupProbe.exec.command[2] KAYCI_TITLE"},
		},
		"the path of a mount": {
			corev1.Container{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/v", SubPathExpr: title}, {Name: "v", MountPath: "/w", SubPath: title}}},
			[]string{"volumeMounts[0].subPathExpr KAYCI_TITLE"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(refusals(tc.refused...), containerErrors(tc.container, nil)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if got := containerErrors(tc.container, map[string]string{v1alpha1.ExpandParamsAnnotation: "main"}); got != nil {
				t.Errorf("errors with the annotation: %v", got)
			}
		})
	}
}

// Kubernetes never expands anything there.
func TestParametersInHooks(t *testing.T) {
	hooks := corev1.Container{Lifecycle: &corev1.Lifecycle{
		PostStart: &corev1.LifecycleHandler{Exec: exec("echo", "$(KAYCI_TITLE)")}, PreStop: &corev1.LifecycleHandler{Exec: exec("$(KAYCI_JOB)")},
	}}
	for _, annotation := range []string{"", "main"} {
		got := containerErrors(hooks, map[string]string{v1alpha1.ExpandParamsAnnotation: annotation})
		if diff := cmp.Diff(refusals("lifecycle.postStart.exec.command[1] KAYCI_TITLE", "lifecycle.preStop.exec.command[0] KAYCI_JOB"), got); diff != "" {
			t.Errorf("errors with the annotation %q (-want +got):\n%s", annotation, diff)
		}
	}
}

// The annotation speaks for the containers that it names, which have to exist.
func TestExpandParamsNamesContainers(t *testing.T) {
	p := pipeline(with(job("a"), func(j *v1alpha1.Job) {
		pod := &j.Template.Spec.Template
		pod.Annotations = map[string]string{v1alpha1.ExpandParamsAnnotation: "init, other"}
		for _, name := range []string{"init", "second"} {
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, corev1.Container{Name: name, Image: "busybox", Args: []string{"$(KAYCI_SHA)"}})
		}
	}))
	const pod = "spec.jobs[0].template.spec.template."
	want := append([]string{pod + `metadata.annotations[kayci.dev/expand-params]: Unsupported value: "other": supported values: "init", "second", "main"`},
		strings.Replace(refusals("args[0] KAYCI_SHA")[0], "containers[0]", "initContainers[1]", 1))
	if diff := cmp.Diff(want, texts(validation.Pipeline(p))); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// Linux takes 131,072 bytes in one argument or variable, with a NUL at its end.
func TestArgumentsThatLinuxRefuses(t *testing.T) {
	const most = 131_071
	long := func(n int) string { return strings.Repeat("x", n) }
	dollars := strings.Repeat("$$", most)
	const advice = "put the text into the image or a mounted ConfigMap, or split it"
	argument := fmt.Sprintf(": Forbidden: has %d bytes, and Linux takes %d in one argument: %s", most+1, most, advice)
	for name, tc := range map[string]struct {
		container corev1.Container
		want      []string
	}{
		"just fits": {container: corev1.Container{
			Command: []string{long(most), dollars}, Args: []string{long(most)}, Env: []corev1.EnvVar{{Name: "A", Value: long(most - 2)}},
			ReadinessProbe: probe(dollars),
		}},
		"too long": {
			corev1.Container{Command: []string{"a", long(most + 1)}, Args: []string{dollars + "$x"[:1]}, ReadinessProbe: probe(long(most + 1))},
			[]string{containerPath + "command[1]" + argument, containerPath + "args[0]" + argument, containerPath + "readinessProbe.exec.command[0]" + argument},
		},
		"a hook, where nothing is expanded": {
			corev1.Container{Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: exec(strings.Repeat("$$", most/2+1))}}},
			[]string{containerPath + "lifecycle.preStop.exec.command[0]" + argument},
		},
		"a variable": {
			corev1.Container{Env: []corev1.EnvVar{{Name: "A", Value: long(most - 1)}}},
			[]string{fmt.Sprintf("%senv[0].value: Forbidden: has %d bytes with its name, and Linux takes %d in one variable: %s", containerPath, most+1, most, advice)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, containerErrors(tc.container, nil)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
