package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets this test binary be called by itself, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "evaluate" {
		main()
		return
	}
	os.Exit(m.Run())
}

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
				"\nci/a.jsonnet:3: Undefined external variable: pipeline",
		},
		"nothing":                   {args: []string{"--path", "none"}, fail: "the files render no object: a sync refuses them unless spec.allowEmpty is set"},
		"nothing, which is allowed": {args: []string{"--path", "none", "--allow-empty"}},
		"output":                    {args: []string{"-o", "xml"}, fail: `--output is "xml": it takes yaml or json`},
		"timeout":                   {args: []string{"--timeout", "1ns"}, fail: "context deadline exceeded"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cmd := newRootCommand()
			cmd.SetOut(&out)
			cmd.SetArgs(append([]string{"render", dir}, test.args...))
			err := cmd.ExecuteContext(t.Context())
			if (err == nil) != (test.fail == "") || (err != nil && !strings.HasPrefix(err.Error(), test.fail)) {
				t.Errorf("got error %v, want %s", err, test.fail)
			}
			if diff := cmp.Diff(test.out, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
