package author

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	const push, header = "--file=testdata/push.json", "--header=X-GitHub-Event=push"
	tests := map[string]struct {
		args            []string
		stdin, out, err string
		code            int
	}{
		"text": {
			args: []string{push, header},
			out: "main: yes, a Run of web\n  branch main matches main\n  git_sha=\"8f3c2d1e0b9a7f6e5d4c3b2a190817263544f0e1\"\n  title=\"Say \\\"hello\\\" \\x1b[31m to <all>\"\n" +
				"release: no\n  branch main is no tag, and tags are given\n" +
				"untitled: no\n  branch main matches none of dev\n",
		},
		"json": {
			args: []string{push, header, "-o", "json", "--trigger", "main"},
			out: `[
  {
    "trigger": "main",
    "pipeline": "web",
    "outcome": "Created",
    "reason": "branch main matches main",
    "params": {
      "git_sha": "8f3c2d1e0b9a7f6e5d4c3b2a190817263544f0e1",
      "title": "Say \"hello\" \u001b[31m to <all>"
    }
  }
]
`,
		},
		"none": {
			args: []string{push, header, "--trigger=release"}, err: "exit code 2", code: 2,
			out: "release: no\n  branch main is no tag, and tags are given\n",
		},
		"something wrong": {
			args: []string{"--event=-", header, "--trigger=untitled"}, stdin: `{"ref": 1}`, err: "1 of 1 Triggers can't make anything of the request", code: 1,
			out: "untitled: no, something is wrong\n  the request can't be read: the payload's field ref can't be of type number\n",
		},
		"the flag's first name": {
			args: []string{"--event=testdata/push.json", header, "--trigger=untitled"}, err: "exit code 2", code: 2,
			out: "untitled: no\n  branch main matches none of dev\n",
		},
		"no such flag":     {args: []string{"--evnt=x"}, err: "unknown flag: --evnt", code: 1},
		"no such Trigger":  {args: []string{push, header, "--trigger=x"}, err: "the files have no Trigger x", code: 1},
		"no such folder":   {args: []string{push, header, "--path=x"}, err: "x: the commit has no such folder", code: 1},
		"no event":         {args: []string{header}, err: "-f is missing: it names the file with the request's body", code: 1},
		"no such event":    {args: []string{"--event=testdata/none.json"}, err: "read the event: open testdata/none.json: no such file or directory", code: 1},
		"too large":        {args: []string{"--event=-"}, stdin: strings.Repeat(" ", 10<<20+1), err: "read the event: it has more than 10485760 bytes", code: 1},
		"header":           {args: []string{push, "--header=push"}, err: `--header is "push": it takes Name=value`, code: 1},
		"output":           {args: []string{push, "-o=yaml"}, err: `--output is "yaml": it takes text or json`, code: 1},
		"a header is none": {args: []string{push, "--trigger=main"}, err: "exit code 2", code: 2, out: "main: no\n  no header names an event of github\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, test.stdin, append([]string{"match", "testdata/match"}, test.args...)...)
			if diff := cmp.Diff(ending{test.out, test.err, test.code}, got, cmp.AllowUnexported(ending{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
