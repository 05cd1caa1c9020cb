package render_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// outputScript is a script that begins with the library's shell function, as the
// container gets it but for the path of the termination message.
func outputScript(t *testing.T, script, message string) string {
	t.Helper()
	dir := repository(t, map[string]string{
		"script": script,
		"a.jsonnet": `local ci = import 'kayci.libsonnet';
			ci.pipeline('web', [ci.job('a', ci.script('busybox', ci.outputFunction + importstr 'script'))])`,
	})
	result, err := render.Render(testContext(t), options(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	pipeline, ok := result.Objects[0].Object.(*v1alpha1.Pipeline)
	if !ok {
		t.Fatalf("rendered a %T", result.Objects[0].Object)
	}
	text := strings.ReplaceAll(pipeline.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Command[2], "$$", "$")
	if !strings.Contains(text, "/dev/termination-log") {
		t.Fatalf("the script doesn't write a termination message:\n%s", text)
	}
	return strings.ReplaceAll(text, "/dev/termination-log", message)
}

// shells are those that this machine has, each alone with its sed. The first one
// every machine has.
func shells(t *testing.T) map[string]func(script string, env ...string) *exec.Cmd {
	t.Helper()
	found := map[string]func(string, ...string) *exec.Cmd{}
	for name, path := range map[string]string{"sh": "/bin/sh", "bash": "/bin/bash", "busybox": "/bin/busybox"} {
		if _, err := os.Stat(path); err != nil && name != "sh" {
			continue
		}
		arguments, search := []string{"-ec"}, os.Getenv("PATH")
		if name == "busybox" {
			arguments, search = []string{"sh", "-ec"}, t.TempDir()
			if err := os.Symlink(path, filepath.Join(search, "sed")); err != nil {
				t.Fatal(err)
			}
		}
		found[name] = func(script string, env ...string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), path, append(arguments, script)...)
			cmd.Env = append([]string{"PATH=" + search, "LC_ALL=C.UTF-8"}, env...)
			return cmd
		}
	}
	return found
}

func TestOutputFunctionQuotes(t *testing.T) {
	t.Parallel()
	all := make([]byte, 0, 127)
	for c := byte(1); c <= 127; c++ {
		all = append(all, c)
	}
	want := map[string]string{
		"all": string(all), "colour": "\x1b[31mred\x1b[0m", "lines": "\n\na\r\n b\n\n", "unicode": "żółć 漢字 🚀 \u0085\u2028", "empty": "",
		"quotes": `\ \\ " \" \n \u0041 & / ' $(id) $$ %s`, "invalid": "a\uFFFDb", "spaces": " \t ",
	}
	message := filepath.Join(t.TempDir(), "message")
	var lines strings.Builder
	env := make([]string, 0, len(want))
	for name, value := range want {
		lines.WriteString("output " + name + ` "$` + name + "\"\n")
		env = append(env, name+"="+strings.ReplaceAll(value, "\uFFFD", "\xff"))
	}
	script := outputScript(t, lines.String(), message)
	for shell, command := range shells(t) {
		t.Run(shell, func(t *testing.T) {
			if out, err := command(script, env...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			text, err := os.ReadFile(message)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%v:\n%q", err, text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		})
	}
}

// Without sed there would be blank outputs.
func TestOutputFunctionNeedsSed(t *testing.T) {
	t.Parallel()
	message := filepath.Join(t.TempDir(), "message")
	script := outputScript(t, "output version 1\n", message)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", script)
	cmd.Env = []string{"PATH=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "sed") {
		t.Errorf("it ended with %v: %s", err, out)
	}
	if text, err := os.ReadFile(message); err == nil {
		t.Errorf("it wrote %s", text)
	}
}
