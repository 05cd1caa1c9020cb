package render_test

import (
	"strings"
	"testing"
)

// pipelineJSON is a valid Pipeline whose first container has the extra fields.
func pipelineJSON(name, container string) string {
	return `{"apiVersion":"kayci.dev/v1alpha1","kind":"Pipeline","metadata":{"name":"` + name + `"},"spec":{"jobs":[` +
		`{"name":"a","template":{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"busybox"}]}}}}},` +
		`{"name":"b","template":{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"busybox"` + container + `}]}}}}}]}}`
}

// mistyped has values of a wrong type, each in a line of its own.
const mistyped = `# A comment.
apiVersion: kayci.dev/v1alpha1
kind: Pipeline
metadata:
  name: b
  labels:
    app: 1
spec:
  timeout: 5
  pendingTimeout:
    seconds: 5
  retention:
    maxCount: many
    maxAge: 1w
  jobs:
  - name: a
    needs: x
    approval: yes
    template:
      spec:
        backoffLimit: 1.5
        completions: 99999999999
        suspend: "no"
        template:
          metadata:
            creationTimestamp: today
          spec:
            nodeSelector: [x]
            containers:
            - name: main
              image: busybox
              imagee: busybox
              ports: [{containerPort: "80"}, {containerPort: 80, hostPort: {}}]
              livenessProbe:
                httpGet: {port: [80]}
              resources:
                limits:
                  cpu: 1
                  memory: 1GB
                  ephemeral-storage: []
              env:
              - name: A
                value: true
              - {name: B, value: 7, valueFrom: }
              - null
              - text
`

// duplicated has items of lists whose keys are the same, and some that differ in
// one of two.
const duplicated = `apiVersion: kayci.dev/v1alpha1
kind: Pipeline
metadata: {name: a}
spec:
  jobs:
  - name: a
    template:
      spec:
        template:
          spec:
            topologySpreadConstraints:
            - {topologyKey: a, whenUnsatisfiable: DoNotSchedule, maxSkew: 1}
            - {topologyKey: a, whenUnsatisfiable: ScheduleAnyway, maxSkew: 1}
            volumes: [{name: v}, {name: v}]
            containers:
            - name: main
              image: busybox
              ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP},
                {containerPort: 80, protocol: TCP}]
              env: [{name: A}, {name: B},
                {name: A}]
              volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]
            - name: main
              image: busybox
`

func TestFaults(t *testing.T) {
	t.Parallel()
	outside := repository(t, map[string]string{"secret.libsonnet": "'secret'"})
	tests := map[string]struct {
		files map[string]string
		path  string
	}{
		"syntax": {
			files: map[string]string{"a.jsonnet": "{\n  a: 1,\n  b: }\n"},
		},
		"syntax of an import": {
			files: map[string]string{"a.jsonnet": "import 'x.libsonnet'", "x.libsonnet": "{\n"},
		},
		"error in a library": {
			files: map[string]string{"ci/a.jsonnet": "local x = import '../x.libsonnet';\n[\n  x('b'),\n]", "x.libsonnet": "function(x)\n  error 'no ' + x"},
		},
		"every file": {
			files: map[string]string{"a.jsonnet": "std.extVar('x')", "b.yaml": "a: [", "c.json": "{\n  \"a\": 1,\n}", "d.yaml": "x:\n---\na:\na: 2\n", "e.json": "{} {}"},
		},
		"imports that leave": {
			files: map[string]string{
				"a.jsonnet": "import '/etc/passwd'", "b.jsonnet": "import '../x'", "c.jsonnet": "import 'http://127.0.0.1/x'",
				"d.jsonnet": "importstr 'link'", "link": "-> " + outside + "/secret.libsonnet", "e.jsonnet": "import 'dir/secret.libsonnet'", "dir": "-> " + outside,
				"f.jsonnet": "import 'missing.libsonnet'", "g.jsonnet": "import 'file:///etc/passwd'", "h.jsonnet": "importbin 'd.jsonnet/x'", "i.jsonnet": "import 'sub'", "sub/x": "",
				"j.jsonnet": "import ''", "k.yaml": "-> /etc/passwd", "l.yaml": "-> gone", "m.jsonnet": "importstr '\\u0000'",
			},
		},
		"imports in a circle": {
			files: map[string]string{
				"a.jsonnet": "import 'b.jsonnet'", "b.jsonnet": "import 'a.jsonnet'", "c.jsonnet": "import 'c.jsonnet'",
				"d.jsonnet": "local x = 1; (import 'e.libsonnet')", "e.libsonnet": "import 'f.libsonnet'", "f.libsonnet": "import 'e.libsonnet'",
			},
		},
		"no such folder": {files: map[string]string{"a.yaml": ""}, path: "ci"},
		"a file":         {files: map[string]string{"ci": ""}, path: "ci"},
		"folder outside": {files: map[string]string{"ci": "-> " + outside}, path: "ci"},
		"dots":           {path: "../x"},
		"other kinds": {
			files: map[string]string{
				"a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
				"b.yaml": "apiVersion: kayci.dev/v1\nkind: Pipeline\n", "c.yaml": "kind: Run\napiVersion: kayci.dev/v1alpha1\nmetadata: {name: r}\n",
				"d.jsonnet": "{ x: [{ kind: 'Pipeline' }] }", "e.jsonnet": "{ a: { b: 'text' }, c: [1, true] }",
			},
		},
		"metadata": {
			files: map[string]string{
				"a.yaml": strings.ReplaceAll(trigger, "name: t}", "name: t, namespace: other, uid: x, ownerReferences: []}, status: {}"),
				"b.yaml": strings.ReplaceAll(trigger, "name: t}", "namespace: ci}"),
				"c.yaml": strings.ReplaceAll(trigger, "{name: t}", "text"),
			},
		},
		"fields": {
			files: map[string]string{
				"a.json": pipelineJSON("a", `,"imagee":"x","env":[{"name":"X","vallue":""}]`),
				"b.json": pipelineJSON("b", `,"env":[{"name":"X"},{"name":1}]`),
				"c.json": pipelineJSON("c", `,"resources":{"limits":{"memory":"much"}}`),
				"d.json": pipelineJSON("d", `,"image":"other"`),
				"e.json": pipelineJSON("e", `,"command":"text"`),
				"f.yaml": strings.ReplaceAll(trigger, "pipeline: p,", "pipeline: p, suspend: 1,"),
				"g.json": strings.ReplaceAll(pipelineJSON("g", ""), `"name":"b",`, `"name":"b","timeout":"soon",`),
			},
		},
		"types": {
			files: map[string]string{
				"a.jsonnet": "local ci = import 'kayci.libsonnet';\n" +
					"ci.pipeline('a', jobs=[ci.job('x', ci.script('busybox', 'true', env={ M: true, N: 1 })) + ci.resources(limits={ memory: '1GB' })], timeout='soon')",
				"b.yaml": mistyped,
			},
		},
		"duplicates": {
			files: map[string]string{"a.yaml": duplicated},
		},
		"lists": {
			files: map[string]string{
				"a.yaml": "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- " + trigger + "\n-\n  apiVersion: v1\n  kind: List\n  itemz: []\n" +
					"- " + strings.ReplaceAll(trigger, "name: t}", "name: t, uid: x}") + "\n",
				"b.json":    `{"apiVersion":"kayci.dev/v1alpha1","kind":"TriggerList","items":{}}`,
				"c.jsonnet": "{ apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Pod' }] }",
				"d.yaml":    "apiVersion: apps/v1\nkind: List\nitems: []\n",
			},
		},
		"validation": {
			files: map[string]string{
				"a.json": strings.ReplaceAll(pipelineJSON("same", ""), `"name":"b",`, `"name":"a","needs":["later"],`),
				"b.json": pipelineJSON("same", ""),
				"c.yaml": strings.ReplaceAll(trigger, "pipeline: p,", "pipeline: p, params: {x: 'event.'},"),
				"d.json": strings.ReplaceAll(pipelineJSON("d", ""), `"name":"b",`, `"name":"b","if":"success() &&\n jobs.a.phase == 'Failed'",`),
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options(t, repository(t, test.files))
			opts.Path, opts.Limits.Errors = test.path, 50
			golden(t, "testdata/faults/"+strings.ReplaceAll(name, " ", "-")+".txt", strings.Join(rendered(t, opts), "\n")+"\n")
		})
	}
}
