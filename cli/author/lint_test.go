package author

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLint(t *testing.T) {
	t.Parallel()
	const dir = "testdata/lint"
	tests := map[string]struct {
		args []string
		want ending
	}{
		"all of all files": {[]string{dir}, ending{
			code: 1, err: "wrong: 7 things",
			out: `testdata/lint/broken.jsonnet:3: Unknown variable: missing
testdata/lint/one/cron.json:7: Trigger/nightly: spec.schedule.cron: Invalid value: "99 * * * *": can't be read: end of range (99) above maximum (59): 99
testdata/lint/push.jsonnet: Trigger/push: spec.params[sha]: Invalid value: 1:7: Syntax error: no viable alternative at input '.'
testdata/lint/push.jsonnet: Trigger/push: spec.webhook.branches[0]: Invalid value: "ma{in": is not a valid glob
testdata/lint/web.yaml:9: Pipeline/web: spec.jobs[0].template.spec.template.spec.containers[0].imag: unknown field
testdata/lint/web.yaml:12: Pipeline/web: spec.jobs[1].retry: unknown field
testdata/lint/web.yaml:14: [1]: apiVersion "", kind "Pod" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1
`,
		}},
		"github": {[]string{dir, "--path=one", "-o=github"}, ending{
			code: 1, err: "wrong: 1 thing",
			out: "::error file=testdata/lint/one/cron.json,line=7::Trigger/nightly: spec.schedule.cron: " +
				"Invalid value: \"99 * * * *\": can't be read: end of range (99) above maximum (59): 99\n",
		}},
		"nothing is wrong":       {[]string{"testdata/match"}, ending{out: "nothing is wrong with 4 objects\n"}},
		"json":                   {[]string{"testdata/match", "-o", "json"}, ending{out: "[]\n"}},
		"github, of good files":  {[]string{"testdata/match", "-o=github"}, ending{}},
		"nothing is rendered":    {[]string{dir, "--path=none"}, ending{code: 1, err: "wrong: 1 thing", out: errNothing.Error() + "\n"}},
		"nothing, as is allowed": {[]string{dir, "--path=none", "--allow-empty"}, ending{out: "nothing is wrong with 0 objects\n"}},
		"no such folder":         {[]string{dir, "--path=x"}, ending{code: 1, err: "wrong: 1 thing", out: "testdata/lint/x: the commit has no such folder\n"}},
		"no such DIR":            {[]string{"testdata/x"}, ending{code: 2, err: "open the tree: open " + here(t, "testdata/x") + ": no such file or directory"}},
		"output":                 {[]string{dir, "-o=xml"}, ending{code: 2, err: `--output is "xml": it takes text, json, github or sarif`}},
		"time":                   {[]string{dir, "--timeout=1ns"}, ending{code: 124, err: "not done within 1ns: --timeout gives it longer"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, call(t, "", append([]string{"lint"}, test.args...)...), cmp.AllowUnexported(ending{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func here(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

func TestFromHere(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{
		".": ".", "ci": "ci", "../x": "../x", here(t, "testdata"): "testdata", here(t, ""): ".", "/": "/",
	} {
		if got, err := fromHere(dir); err != nil || got != want {
			t.Errorf("%s: got %s and %v, want %s", dir, got, err, want)
		}
	}
}
