package render_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const trigger = `{apiVersion: kayci.dev/v1alpha1, kind: Trigger, metadata: {name: t}, spec: {pipeline: p, webhook: {provider: github, secretRef: {name: s}}}}`

func TestEntries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		files  map[string]string
		path   string
		ignore []string
		vars   map[string]string
		want   []string
	}{
		"which files are entries": {
			files: map[string]string{
				"ci/b.yaml": trigger, "ci/deep/a.json": pipelineJSON("j", ""), "ci/c.yml": "# nothing\n", "ci/null.jsonnet": "null",
				"ci/lib.libsonnet": "error 'no entry'", "ci/vendor/x.yaml": "bad", "ci/.hidden.yaml": "bad", "ci/_off/x.yaml": "bad",
				"ci/readme.md": "bad", "other/x.yaml": "bad", "ci/jsonnetfile.json": "{}", "ci/d.yaml": "-> ../other/d.txt",
				"other/d.txt": strings.ReplaceAll(trigger, "name: t}", "name: linked}"),
			},
			path: "ci",
			want: []string{"ci/deep/a.json: Pipeline/j", "ci/d.yaml: Trigger/linked", "ci/b.yaml: Trigger/t"},
		},
		"what is ignored": {
			files: map[string]string{
				"ci/a.yaml": trigger, "ci/old/b.yaml": "bad", "ci/deep/old/c.yaml": "bad", "ci/d.test.yaml": "bad", "e.yaml": "bad",
			},
			path:   "ci",
			ignore: []string{"ci/*.test.yaml", "ci/**/old/", "e.yaml"},
			want:   []string{"ci/a.yaml: Trigger/t"},
		},
		"documents, lists and nesting": {
			files: map[string]string{
				"a.yaml":    "%YAML 1.1\n---\n" + trigger + "\n---\n# blank\n---\n- " + strings.ReplaceAll(trigger, "name: t}", "name: t2}") + "\n...\n---\n" + strings.ReplaceAll(trigger, "name: t}", "name: t3}"),
				"b.jsonnet": "local t = std.parseYaml('" + trigger + "'); { x: [t { metadata: { name: 'y' } }, [], null], z: { w: t { metadata: { name: 'z' } } } }",
			},
			want: []string{"a.yaml: Trigger/t", "a.yaml: Trigger/t2", "a.yaml: Trigger/t3", "b.jsonnet: Trigger/y", "b.jsonnet: Trigger/z"},
		},
		"vars": {
			files: map[string]string{
				"fn.libsonnet":       "function(name, kind='Trigger') std.parseYaml('" + trigger + "') { kind: kind, metadata: { name: name + '-imported' } }",
				"imported.jsonnet":   "import 'fn.libsonnet'",
				"function.jsonnet":   "local f = import 'fn.libsonnet'; (function(name) f(name + '-fn'))",
				"extvar.jsonnet":     "(import 'fn.libsonnet')(std.extVar('other'))",
				"computed.jsonnet":   "[function(name, other) (import 'fn.libsonnet')(name + other)][0]",
				"noargument.jsonnet": "function() []",
			},
			vars: map[string]string{"name": "n", "other": "o"},
			want: []string{"function.jsonnet: Trigger/n-fn-imported", "imported.jsonnet: Trigger/n-imported", "computed.jsonnet: Trigger/no-imported", "extvar.jsonnet: Trigger/o-imported"},
		},
		"imports": {
			files: map[string]string{
				"ci/a.jsonnet":                           "[import '../lib/x.libsonnet', import 'github.com/acme/y.libsonnet', import 'z.libsonnet', (import 'kayci.libsonnet').mine]",
				"lib/x.libsonnet":                        "std.parseYaml(importstr 't.yaml')",
				"lib/t.yaml":                             trigger,
				"ci/vendor/github.com/acme/y.libsonnet":  "import './t2.libsonnet'",
				"ci/vendor/github.com/acme/t2.libsonnet": "(import '../../../../lib/x.libsonnet') { metadata: { name: 'y' } }",
				"vendor/z.libsonnet":                     "-> elsewhere/z.libsonnet",
				"vendor/elsewhere/z.libsonnet":           "[]",
				"vendor/kayci.libsonnet":                 "{ mine: null }",
			},
			path: "ci/",
			want: []string{"ci/a.jsonnet: Trigger/t", "ci/a.jsonnet: Trigger/y"},
		},
		"lists of Kubernetes": {
			files: map[string]string{
				"a.yaml": "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- " + trigger + "\n- apiVersion: kayci.dev/v1alpha1\n  kind: TriggerList\n  items:\n  - " +
					strings.ReplaceAll(trigger, "name: t}", "name: t2}") + "\n---\nkind: List\napiVersion: v1\nitems: []\n---\napiVersion: kayci.dev/v1alpha1\nkind: PipelineList\n",
			},
			want: []string{"a.yaml: Trigger/t", "a.yaml: Trigger/t2"},
		},
		"line ends and merges": {
			files: map[string]string{
				"a.yaml": strings.ReplaceAll(trigger+"\n---\n"+strings.ReplaceAll(trigger, "name: t}", "name: t2}")+"\n", "\n", "\r"),
				"b.yaml": inUTF16(crlf(strings.ReplaceAll(trigger, "name: t}", "name: t3}")+"\n---\n"+strings.ReplaceAll(trigger, "name: t}", "name: t4}")), binary.LittleEndian),
				"c.yaml": "- &t " + strings.ReplaceAll(trigger, "name: t}", "name: t5}") + "\n- {<<: *t, metadata: {name: t6}}\n",
			},
			want: []string{"a.yaml: Trigger/t", "a.yaml: Trigger/t2", "b.yaml: Trigger/t3", "b.yaml: Trigger/t4", "c.yaml: Trigger/t5", "c.yaml: Trigger/t6"},
		},
		"names in capitals": {
			files: map[string]string{
				"A.YAML": trigger, "b.Yml": strings.ReplaceAll(trigger, "name: t}", "name: t2}"), "C.JSON": pipelineJSON("j", ""),
				"d.JSONNET": "std.parseYaml('" + strings.ReplaceAll(trigger, "name: t}", "name: t3}") + "')",
			},
			want: []string{"C.JSON: Pipeline/j", "A.YAML: Trigger/t", "b.Yml: Trigger/t2", "d.JSONNET: Trigger/t3"},
		},
		"vendor folders, nearest first": {
			files: map[string]string{
				"ci/team/a.jsonnet":                     "[import 'x.libsonnet', import 'y.libsonnet', import '../../lib/z.libsonnet']",
				"ci/team/vendor/x.libsonnet":            "(import 'deep.libsonnet')('x')",
				"ci/team/vendor/deep.libsonnet":         "function(name) std.parseYaml('" + trigger + "') { metadata: { name: name } }",
				"ci/vendor/x.libsonnet":                 "error 'farther'",
				"ci/vendor/y.libsonnet":                 "(import 'github.com/acme/y.libsonnet')",
				"ci/vendor/github.com/acme/y.libsonnet": "(import '../../../team/vendor/deep.libsonnet')('y')",
				"lib/z.libsonnet":                       "import 'own.libsonnet'",
				"lib/vendor/own.libsonnet":              "(import '../../ci/team/vendor/deep.libsonnet')('z')",
			},
			path: "ci",
			want: []string{"ci/team/a.jsonnet: Trigger/x", "ci/team/a.jsonnet: Trigger/y", "ci/team/a.jsonnet: Trigger/z"},
		},
		"nothing": {files: map[string]string{"x.md": ""}, want: []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, repository(t, test.files))
			opts.Path, opts.Ignore, opts.Vars = test.path, test.ignore, test.vars
			if diff := cmp.Diff(test.want, rendered(t, opts)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
