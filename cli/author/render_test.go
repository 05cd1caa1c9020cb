package author

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const source = `function(name) {
  apiVersion: 'kayci.dev/v1alpha1', kind: 'Trigger', metadata: { name: name },
  spec: { pipeline: std.extVar('pipeline'), webhook: { provider: 'generic', secretRef: { name: 's' } } },
}`

func TestRender(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "ci"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "none"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"ci/a.jsonnet": source, "bad.yaml": "kind: Pod"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		args      []string
		out, fail string
		code      int
	}{
		"yaml": {
			args: []string{"--path", "ci", "-n", "team", "--var", "name=t,pipeline=p"},
			out: "---\n# ci/a.jsonnet\napiVersion: kayci.dev/v1alpha1\nkind: Trigger\nmetadata:\n  name: t\n  namespace: team\n" +
				"spec:\n  pipeline: p\n  webhook:\n    provider: generic\n    secretRef:\n      name: s\n",
		},
		"json": {
			args: []string{"--path=ci", "--var", "name=t", "--var", "pipeline=p", "-o", "json"},
			out: `{"apiVersion":"kayci.dev/v1alpha1","kind":"Trigger","metadata":{"name":"t","namespace":"default"},` +
				`"spec":{"pipeline":"p","webhook":{"provider":"generic","secretRef":{"name":"s"}}}}` + "\n",
		},
		"faults": {
			args: []string{"--var", "name=t"},
			fail: `bad.yaml:1: apiVersion "", kind "Pod" is not allowed: a config repository holds Pipelines and Triggers of kayci.dev/v1alpha1` +
				"\nci/a.jsonnet:3: Undefined external variable: pipeline\n  at ci/a.jsonnet:3:21-43", code: 2,
		},
		"nothing":                   {args: []string{"--path", "none"}, fail: "the files render no object: a sync refuses them unless spec.allowEmpty is set", code: 2},
		"nothing, which is allowed": {args: []string{"--path", "none", "--allow-empty"}},
		"output":                    {args: []string{"-o", "xml"}, fail: `--output is "xml": it takes yaml or json`, code: 2},
		"timeout":                   {args: []string{"--timeout", "1ns"}, fail: "not done within 1ns: --timeout gives it longer", code: 124},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, "", append([]string{"render", dir}, test.args...)...)
			if diff := cmp.Diff(ending{out: test.out, err: test.fail, code: test.code}, got, cmp.AllowUnexported(ending{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
