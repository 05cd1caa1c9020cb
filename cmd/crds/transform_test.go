package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// meta and head begin a CRD as controller-gen writes it; the schemas of the spec's
// fields follow.
const meta = `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.0.0
  name: pipelines.kayci.dev
spec:
  group: kayci.dev
  names:
    kind: Pipeline
    plural: pipelines
  scope: Namespaced
  versions:
  - name: v1alpha1
`

const head = meta + `    schema:
      openAPIV3Schema:
        properties:
          spec:
            properties:
`

const tail = `            type: object
        type: object
    served: true
    storage: true
`

// list is the list of a Pipeline's spec with the items' fields that follow.
func list(name, fields string) string {
	const start = `              NAME:
                items:
                  properties:
`
	const end = `                  type: object
                type: array
`
	return strings.ReplaceAll(start, "NAME", name) + fields + end
}

const template = `                    template:
                      description: |-
                        Template of it.
                        There is more.
                      properties:
                        labels:
                          additionalProperties:
                            description: |-
                              One label.
                              There is more.
                            type: string
                          type: object
                        volumes:
                          items:
                            description: |-
                              One volume.
                              There is more.
                            properties:
                              port:
                                anyOf:
                                - type: integer
                                - type: string
                                x-kubernetes-int-or-string: true
                            type: object
                            x-kubernetes-validations:
                            - message: is immutable
                              rule: self == oldSelf
                          type: array
                      type: object
`

// changed is a template with the descriptions of a label and of a volume, if any.
func changed(label, volume string) string {
	const text = `                    template:
                      description: |-
                        Template of it.
                        There is more.
                      properties:
                        labels:
                          additionalProperties:
LABEL                            type: string
                          type: object
                        volumes:
                          items:
VOLUME                            properties:
                              port:
                                anyOf:
                                - type: integer
                                - type: string
                                maximum: 2147483647
                                minimum: -2147483648
                                x-kubernetes-int-or-string: true
                            type: object
                          type: array
                      type: object
`
	return strings.NewReplacer("LABEL", label, "VOLUME", volume).Replace(text)
}

const own = `              own:
                description: |-
                  Own is KayCI's.
                  There is more.
                properties:
                  size:
                    pattern: PATTERN
                    x-kubernetes-int-or-string: true
                type: object
                x-kubernetes-validations:
                - message: own is immutable, which takes more than eighty columns to FOLD
                  rule: self == oldSelf
`

func TestRun(t *testing.T) {
	t.Parallel()
	ownField := func(pattern, fold string) string {
		return strings.NewReplacer("PATTERN", pattern, "FOLD", fold).Replace(own)
	}
	in := head + list("jobs", template) + list("notifiers", template) +
		ownField(kubernetesQuantity, "say to\n                    a reader") + list("services", template) + tail
	shortened := changed("                            description: One label.\n", "                            description: One volume.\n")
	want := head + list("jobs", shortened) + list("notifiers", changed("", "")) +
		ownField(decodableQuantity, "say to a reader") + list("services", changed("", "")) + tail

	var out strings.Builder
	if err := run(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Fatalf("transformed CRD (-want +got):\n%s", diff)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	lists := list("jobs", template) + list("notifiers", template) + list("services", template)
	tests := map[string]struct{ in, want string }{
		"an unknown field": {
			head + lists + tail + "    shiny: true\n",
			`read a CRD: error unmarshaling JSON: while decoding JSON: json: unknown field "shiny"`,
		},
		"no list": {
			head + list("jobs", template) + tail,
			"pipelines.kayci.dev: v1alpha1: .spec.services: no such field",
		},
		"no template": {
			head + list("jobs", strings.Replace(template, "template:", "form:", 1)) + tail,
			"pipelines.kayci.dev: v1alpha1: .spec.jobs[].template: no such field",
		},
		"a list that is none": {
			head + strings.Replace(lists, "items:", "not:", 1) + tail,
			"pipelines.kayci.dev: v1alpha1: .spec.jobs: not a list",
		},
		"another pattern of a quantity": {
			head + strings.Replace(lists, "port:", "port: {x-kubernetes-int-or-string: true, pattern: ^1$}\n                              size:", 1) + tail,
			"pipelines.kayci.dev: v1alpha1: .spec.jobs[].template.volumes[].port: a quantity has the pattern ^1$, " +
				"and how to narrow it is known for " + kubernetesQuantity + " alone",
		},
		"no schema": {
			meta + "    served: true\n    storage: true\n",
			"pipelines.kayci.dev: v1alpha1: no schema",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(strings.NewReader(test.in), &out)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %s", out.String())
			}
		})
	}
}
