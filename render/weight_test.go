package render

import (
	"encoding/json"
	"reflect"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/v1alpha1"
)

// What a value weighs is what it was found to take before it was decoded.
func TestWeightIsWhatFitCounts(t *testing.T) {
	t.Parallel()
	encoded, err := yaml.YAMLToJSON([]byte(`
metadata: {name: web, labels: {a: b}}
spec:
  timeout: 1h
  params: [{name: sha, default: ""}]
  jobs:
  - name: build
    template:
      spec:
        template:
          spec:
            volumes: [{name: v, configMap: {name: c}}, {name: w}]
            securityContext: {runAsUser: 1, seLinuxOptions: {level: s0}}
            containers: [{name: main, image: i, args: [a, bc], resources: {limits: {memory: 1Gi}}, env: [{name: A, value: x}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	g := &grower{room: 1000, limit: 1000}
	n, err := g.growJSON(encoded)
	if err != nil {
		t.Fatal(err)
	}
	f := newFitter()
	f.fit(n, reflect.TypeFor[v1alpha1.Pipeline]())
	var p v1alpha1.Pipeline
	if err := json.Unmarshal(encoded, &p); err != nil {
		t.Fatal(err)
	}
	// Its numbers and booleans the fitter counts by their text.
	const texts = len("1")
	if got, want := Weight(&p), f.bytes-texts+int(reflect.TypeFor[v1alpha1.Pipeline]().Size()); got != want {
		t.Errorf("it weighs %d, want %d", got, want)
	}
}
