package defaults

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestParseRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"no YAML":        {"a: b: c", []string{"jobTemplate: "}},
		"two documents":  {"metadata: {labels: {a: b}}\n---\nspec: {}\n", []string{"more than one document"}},
		"a key twice":    {"metadata: {labels: {a: b}}\nmetadata: {labels: {a: c}}\n", []string{`"metadata" already`}},
		"no such fields": {`{metdata: {}, spec: {template: {spec: {toleration: []}}}}`, []string{`unknown field "metdata"`, `unknown field "spec.template.spec.toleration"`}},
		"another case":   {`{spec: {template: {Spec: {}}}}`, []string{`unknown field "spec.template.Spec"`}},
		"no number":      {inPod(`activeDeadlineSeconds: soon`), []string{"activeDeadlineSeconds"}},
		"no quantity":    {inPod(`containers: [{name: "*", resources: {limits: {memory: much}}}]`), []string{"quantities must match"}},
		"what is KayCI's of a Job": {
			`{metadata: {name: web, namespace: s, labels: {kayci.dev/job: x}, annotations: {"a b": c}}, spec: {ttlSecondsAfterFinished: 1, suspend: true, backoffLimit: 3, parallelism: 2}}`,
			[]string{
				"jobTemplate.metadata.name: Forbidden", "jobTemplate.metadata.namespace: Forbidden", "jobTemplate.metadata.labels[kayci.dev/job]: Forbidden",
				"jobTemplate.metadata.annotations[a b]: Invalid", "jobTemplate.spec.ttlSecondsAfterFinished: Forbidden", "jobTemplate.spec.suspend: Forbidden",
				"jobTemplate.spec.backoffLimit: Forbidden", "jobTemplate.spec.parallelism: Forbidden",
			},
		},
		"what is each pod's own": {
			`{spec: {template: {metadata: {annotations: {kayci.dev/inject-params: main}, labels: {"-": x}}, spec: {restartPolicy: Never, hostname: h, subdomain: s, resources: {}, activeDeadlineSeconds: 0, nodeSelector: {"-": x}, volumes: [{name: kayci-workspace, emptyDir: {}}]}}}}`,
			[]string{
				"annotations[kayci.dev/inject-params]: Forbidden", "metadata.labels: Invalid", "restartPolicy: Forbidden", "hostname: Forbidden", "subdomain: Forbidden",
				"spec.resources: Forbidden", "activeDeadlineSeconds: Invalid", "nodeSelector: Invalid", "volumes[0].name: Forbidden",
			},
		},
		"what no author could take back": {
			inPod(`hostNetwork: true, hostPID: true, hostIPC: true`),
			[]string{"spec.hostNetwork: Forbidden: false can't be told from blank", "spec.hostPID: Forbidden", "spec.hostIPC: Forbidden"},
		},
		"what is each container's own": {
			inPod(`containers: [{name: "*", command: [sh]}, {name: "*"}, {name: Main}, {name: main, image: i}, {name: other, env: [{name: KAYCI_RUN, value: x}]}], initContainers: [{name: "*", image: i}, {name: fetch}, {name: proxy, image: i, command: [sh, -c, "echo $(KAYCI_TITLE)"]}]`),
			[]string{
				"containers[0]: Forbidden", `containers[1].name: Duplicate value: "*"`, "containers[2].name: Invalid", "containers[3].image: Forbidden",
				"containers[4].env[0].name: Forbidden", "initContainers[0].name: Invalid", "initContainers[1].image: Required", "initContainers[2].command[2]",
			},
		},
		"too long": {"# " + strings.Repeat("x", maxSize), []string{"may have 16384"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(map[string]string{Key: tt.text})
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
	if _, err := Parse(map[string]string{"template": ""}); err == nil || !strings.Contains(err.Error(), `no key "jobTemplate"`) {
		t.Errorf("another key: %v", err)
	}
}

// What says nothing is no default, so that no copy differs for it, and the same
// said in other ways is the same.
func TestParseIsCanonical(t *testing.T) {
	var none *Defaults
	if len(none.Canonical()) > 0 {
		t.Error("there are none")
	}
	for _, text := range []string{"", "# nothing\n", "{}", "null", "spec: {}", "metadata: {labels: {}}"} {
		d := parse(t, text)
		spec := &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "job", Template: template(t, inPod(`containers: [{name: main, image: i}]`))}}}
		got, errs := d.Under(spec, MaxRevision)
		if diff := cmp.Diff(spec, got); len(d.Canonical()) > 0 || len(errs) > 0 || diff != "" {
			t.Errorf("%q: %s %v %s", text, d.Canonical(), errs, diff)
		}
	}
	one, same := parse(t, "metadata: {labels: {a: b, c: d}}"), parse(t, "# x\nmetadata:\n  labels:\n    c: d\n    a: \"b\"\n")
	if diff := cmp.Diff(string(one.Canonical()), string(same.Canonical())); diff != "" {
		t.Error(diff)
	}
}
