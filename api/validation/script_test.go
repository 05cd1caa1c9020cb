package validation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
)

const (
	scriptAdvice = `Kubernetes would paste an event's data into a program before it runs: write "$KAYCI_…" with quotes, which the shell reads as data`
	flagAdvice   = `Kubernetes would paste an event's data into a flag that may hold a program: make $(KAYCI_…) an argument of its own`
)

// scriptErrors are those of a Pipeline whose container has the command and args.
func scriptErrors(command, args []string) []string {
	return texts(validation.Pipeline(pipeline(with(job("a"), func(j *v1alpha1.Job) {
		c := &j.Template.Spec.Template.Spec.Containers[0]
		c.Command, c.Args = command, args
	}))))
}

func TestPipelineScripts(t *testing.T) {
	const title = `$(KAYCI_TITLE)`
	for name, tc := range map[string]struct {
		command, args []string
		refused       string
	}{
		"quoted":                        {command: []string{"sh", "-c", `echo "$KAYCI_TITLE"`}},
		"expanded":                      {command: []string{"sh", "-c", "echo " + title}, refused: "command[2]"},
		"in args":                       {command: []string{"/bin/bash"}, args: []string{"-ec", "echo " + title}, refused: "args[1]"},
		"through busybox":               {command: []string{"busybox", "sh", "-c", title}, refused: "command[3]"},
		"through env":                   {command: []string{"env", "A=b", "sh", "-c", title}, refused: "command[4]"},
		"python":                        {command: []string{"python3.12", "-c", `print("` + title + `")`}, refused: "command[2]"},
		"node":                          {command: []string{"node", "--eval", title}, refused: "command[2]"},
		"deno":                          {command: []string{"deno", "-r", "eval", title}, refused: "command[3]"},
		"image's entrypoint":            {args: []string{"-c", title}, refused: "args[1]"},
		"escaped":                       {command: []string{"sh", "-c", "$" + title}},
		"escaped dollar, then a real":   {command: []string{"sh", "-c", "$$" + title}, refused: "command[2]"},
		"another variable":              {command: []string{"sh", "-c", `$(HOME)`}},
		"letters after the c":           {command: []string{"sh", "-cx", title}, refused: "command[2]"},
		"letters after the c, in args":  {args: []string{"-cx", title}, refused: "args[1]"},
		"a flag after -c":               {command: []string{"bash", "-c", "-x", title}, refused: "command[3]"},
		"an unset after -c":             {command: []string{"bash", "-c", "+x", title}, refused: "command[3]"},
		"an option after -c":            {command: []string{"bash", "-c", "-o", "pipefail", title}, refused: "command[4]"},
		"an option in -c":               {command: []string{"bash", "-ceuo", "pipefail", title}, refused: "command[3]"},
		"an option before -c":           {command: []string{"bash", "-euo", "pipefail", "-c", title}, refused: "command[4]"},
		"dashes after -c":               {command: []string{"sh", "-c", "--", title}, refused: "command[3]"},
		"another script":                {command: []string{"perl", "-e", "1;", "-e", title}, refused: "command[4]"},
		"a shell that a script runs":    {command: []string{"sh", "-c", `"$@"`, "sh", "bash", "-cx", title}, refused: "command[6]"},
		"data as an argument":           {command: []string{"deploy", "--version", title}},
		"data in an argument":           {command: []string{"deploy", "--version=" + title}},
		"data for an entrypoint":        {args: []string{"-commit", title, "-commit=" + title, "--version=" + title, title}},
		"data for a script":             {command: []string{"sh", "-c", `echo "$1"`, "sh", title}},
		"data for a script past dashes": {command: []string{"sh", "-c", `echo "$1"`, "--", title}},
		"data for a script's program":   {command: []string{"sh", "-c", `deploy "$@"`, "sh", "-commit", title, "--title=" + title}},
		"data for a script's file":      {command: []string{"bash", "-e", "deploy.sh", title}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			if tc.refused != "" {
				want = []string{"spec.jobs[0].template.spec.template.spec.containers[0]." + tc.refused + ": Forbidden: " + scriptAdvice}
			}
			if diff := cmp.Diff(want, scriptErrors(tc.command, tc.args)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPipelineScriptsInFlags(t *testing.T) {
	for name, tc := range map[string]struct {
		command, args []string
		refused       string
	}{
		"python":             {command: []string{"python", `-cprint("$(KAYCI_TITLE)")`}, refused: "command[1]"},
		"python, other flag": {command: []string{"python", "-I", `-ucprint("$(KAYCI_TITLE)")`}, refused: "command[2]"},
		"node":               {command: []string{"node", `--eval="$(KAYCI_TITLE)"`}, refused: "command[1]"},
		"a second of perl":   {command: []string{"perl", "-e", "1;", `-eprint "$(KAYCI_TITLE)"`}, refused: "command[3]"},
		"entrypoint, short":  {args: []string{`-e$(KAYCI_TITLE)`}, refused: "args[0]"},
		"entrypoint, long":   {args: []string{`--eval=$(KAYCI_TITLE)`}, refused: "args[0]"},
		"escaped":            {command: []string{"python", `-cprint("$$(KAYCI_TITLE)")`}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			if tc.refused != "" {
				want = []string{"spec.jobs[0].template.spec.template.spec.containers[0]." + tc.refused + ": Forbidden: " + flagAdvice}
			}
			if diff := cmp.Diff(want, scriptErrors(tc.command, tc.args)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}
