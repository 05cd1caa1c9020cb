package e2e

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Values go from a parameter through the library's shell function into the
// termination message, the Run's status and a later container, and are the same.
// The job between prints what Kubernetes would take for more than a script's text.
func TestOutputsArriveByteForByte(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	names := slices.Sorted(maps.Keys(hostile()))
	var writes, prints strings.Builder
	for _, name := range names {
		fmt.Fprintf(&writes, "output %s \"$KAYCI_%s\"\n", name, strings.ToUpper(name))
	}
	fmt.Fprintf(&writes, "output invalid \"$(printf 'a\\377b')\"\n")
	for _, name := range append(names, "invalid") {
		fmt.Fprintf(&prints, "printf '%s '; printf '%%s' \"$KAYCI_OUTPUT_BUILD_WEB_%s\" | od -An -v -tx1 | tr -d ' \\n'; echo\n", name, strings.ToUpper(name))
	}
	const dollars = "$ $$ $$$ $(KAYCI_RUN) $$(KAYCI_RUN) ${X} ^a$"
	const between = "cat <<'END'\n" + dollars + "\nEND\necho \"$(echo \"$KAYCI_RUN\")\"\n"
	repository := s.repository(t, "")
	commit := s.push(t, repository, map[string]string{"write.sh": writes.String(), "print.sh": prints.String(), "between.sh": between, "echo.jsonnet": fmt.Sprintf(`
		local ci = import 'kayci.libsonnet';
		local image = '%s';
		ci.pipeline('echo', params=['%s'], jobs=[
		  ci.job('build-web', ci.script(image, ci.outputFunction + importstr 'write.sh')),
		  ci.job('between', ci.script(image, importstr 'between.sh'), needs=['build-web']),
		  ci.job('print', ci.script(image, importstr 'print.sh'), needs=['between']),
		])`, busybox, strings.Join(names, "', '"))})
	s.create(t, s.configRepo("echo", repository.URL))
	s.syncTo(t, "echo", commit)
	s.create(t, &v1alpha1.Run{ObjectMeta: s.meta("e"), Spec: v1alpha1.RunSpec{Pipeline: "echo", Params: hostile()}})
	run := s.awaitEnd(t, "e", v1alpha1.RunSucceeded)

	want := hostile()
	want["invalid"] = "a\uFFFDb"
	if diff := cmp.Diff(want, run.Status.Jobs[0].Outputs); diff != "" {
		t.Errorf("outputs in the status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(dollars+"\ne\n", s.log(t, "e", "between", "main")); diff != "" {
		t.Errorf("what the script printed (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for line := range strings.Lines(s.log(t, "e", "print", "main")) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, err := hex.DecodeString(digits)
		if err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		got[name] = string(value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values in the container (-want +got):\n%s", diff)
	}
}

// What the kubelet makes of too long a message is what the limit is about.
func TestOutputsThatAreNone(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	object := func(letters int) string {
		return fmt.Sprintf(`(printf '{"a":"'; head -c %d /dev/zero | tr '\0' x; printf '"}') > /dev/termination-log`, letters)
	}
	four := script("four", object(3065))
	pod := &four.Template.Spec.Template.Spec
	for _, name := range []string{"first", "second", "third"} {
		container := *pod.Containers[0].DeepCopy()
		container.Name, container.Command = name, []string{"true"}
		pod.InitContainers = append(pod.InitContainers, container)
	}
	s.create(t, s.pipeline("outputs",
		script("text", "echo done > /dev/termination-log"), script("number", `echo '{"a": 1}' > /dev/termination-log`),
		script("left", `echo '{"a": "1"}' > /dev/termination-log; exit 3`), script("fits", object(4087)), script("long", object(4088)), four,
		script("behind", "true", "number"), when("failure()", script("tidy", `test "$KAYCI_OUTPUT_LEFT_A" = 1`, "left"))))
	s.start(t, "o", "outputs")
	run := s.awaitEnd(t, "o", v1alpha1.RunFailed)

	want := []string{"text=Succeeded", "number=Failed/InvalidOutputs", "left=Failed/Error", "fits=Succeeded", "long=Failed/OutputsTooLarge", "four=Failed/OutputsTooLarge", "behind=Skipped/NeedsFailed", "tidy=Succeeded"}
	if diff := cmp.Diff(want, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	condition := run.Status.Conditions[0]
	if want := "job number failed: InvalidOutputs: container main: its termination message has an output a that is no string"; condition.Status != metav1.ConditionFalse || !strings.HasPrefix(condition.Message, want) {
		t.Errorf("condition %s: %q, want False with %q", condition.Status, condition.Message, want)
	}
}
