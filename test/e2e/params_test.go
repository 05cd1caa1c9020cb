package e2e

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// hostile are values that some shell, template or Kubernetes itself would take
// for more than data.
func hostile() map[string]string {
	return map[string]string{
		"dollar":    "$(HOME) $$(HOME) $(KAYCI_RUN) $KAYCI_RUN ${KAYCI_RUN} $(date) `date`",
		"quotes":    `"; echo "broken out' "$(id)" \" \\ \n`,
		"newlines":  "first\nsecond\r\n\n  third\n",
		"unicode":   "żółć 漢字 🚀 \u202e ünïcode",
		"control":   "\x1b[31mred\x1b[0m\a\b\x01\x7f",
		"option":    "-n --help",
		"empty":     "",
		"templates": "{{ .Values.x }} %s %d %{x} ${{ github.token }} <% x %>",
		"yaml":      "a: &b [*b, !!binary]\n---\n- x",
	}
}

func TestHostileParametersArriveByteForByte(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	var lines []string
	pipeline := s.pipeline("echo", script("print", ""))
	for name := range hostile() {
		pipeline.Spec.Params = append(pipeline.Spec.Params, v1alpha1.Param{Name: name})
		lines = append(lines, `printf '`+name+` '; printf '%s' "$KAYCI_`+strings.ToUpper(name)+`" | od -An -v -tx1 | tr -d ' \n'; echo`)
	}
	pipeline.Spec.Jobs = []v1alpha1.Job{script("print", strings.Join(lines, "\n"))}
	s.create(t, pipeline, s.trigger("by-hand", "echo", v1alpha1.ProviderGeneric))
	path := s.awaitTrigger(t, "by-hand")
	answer := s.post(t, path, s.generic(t, hostile()))
	decision, err := answer.Decision()
	if err != nil || answer.Status != http.StatusCreated {
		t.Fatalf("answer %d %s: %v", answer.Status, answer.Body, err)
	}
	run := s.awaitEnd(t, decision.Results[0].Run, v1alpha1.RunSucceeded)

	got := map[string]string{}
	for line := range strings.Lines(s.log(t, run.Name, "print", "main")) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := hex.DecodeString(digits)
		if err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		got[name] = string(value)
	}
	if diff := cmp.Diff(hostile(), got); diff != "" {
		t.Errorf("values in the container (-want +got):\n%s", diff)
	}
}

// What a Run tells its containers, and which of them it tells.
func TestParametersReachOnlyTheContainersThatTheAnnotationNames(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	const show = `env | grep ^KAYCI_ | sort`
	all, none, one := script("all", show), script("none", show+" || true"), script("one", show)
	all.Template.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "init", Image: busybox, Command: []string{"sh", "-c", show}}}
	one.Template.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "init", Image: busybox, Command: []string{"sh", "-c", show + " || true"}}}
	none.Template.Spec.Template.Annotations = map[string]string{v1alpha1.InjectParamsAnnotation: ""}
	one.Template.Spec.Template.Annotations = map[string]string{v1alpha1.InjectParamsAnnotation: "main"}
	pipeline := s.pipeline("env", all, none, one)
	preset := "preset"
	pipeline.Spec.Params = []v1alpha1.Param{{Name: "given"}, {Name: "other", Default: &preset}}
	run := &v1alpha1.Run{ObjectMeta: s.meta("e"), Spec: v1alpha1.RunSpec{Pipeline: "env", Params: map[string]string{"given": "value"}}}
	s.create(t, pipeline, run)
	s.awaitEnd(t, "e", v1alpha1.RunSucceeded)

	environment := func(job string) string {
		return "KAYCI_GIVEN=value\nKAYCI_JOB=" + job + "\nKAYCI_NAMESPACE=" + s.namespace +
			"\nKAYCI_OTHER=preset\nKAYCI_PIPELINE=env\nKAYCI_RUN=e\nKAYCI_RUN_NUMBER=1\n"
	}
	got := map[string]string{}
	for _, container := range []string{"all/init", "all/main", "none/main", "one/init", "one/main"} {
		job, name, _ := strings.Cut(container, "/")
		got[container] = s.log(t, "e", job, name)
	}
	want := map[string]string{
		"all/init": environment("all"), "all/main": environment("all"), "none/main": "", "one/init": "", "one/main": environment("one"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment of the containers (-want +got):\n%s", diff)
	}
}
