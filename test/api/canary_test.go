package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/canary"
)

// What the kinds' schemas and rules refuse isn't repeated where it may hold a
// secret: helm prints it, and a pod's log keeps it.
func TestSchemasRepeatNoSecret(t *testing.T) {
	t.Parallel()
	cfg := serverConfig(t)
	cfg.QPS = -1
	c := newClient(t, cfg)
	namespace := newNamespace(t, c)
	create := func(tc canary.Case) error {
		obj := &unstructured.Unstructured{}
		if err := json.Unmarshal(tc.Object, &obj.Object); err != nil {
			t.Fatal(err)
		}
		obj.SetNamespace(namespace)
		return c.Create(t.Context(), obj, client.DryRunAll)
	}
	for _, tc := range canary.Valid() {
		if err := create(tc); err != nil {
			t.Fatalf("a good %s: %v", tc.Kind, err)
		}
	}
	refused := map[string]int{}
	for _, tc := range canary.Cases() {
		// Who may write the namespace of an object is another question.
		if tc.Field == "metadata.namespace" {
			continue
		}
		err := create(tc)
		if err == nil {
			continue
		}
		refused[tc.Kind]++
		if strings.Contains(err.Error(), canary.Bird) && canary.MayQuote(tc.Kind, tc.Field) == "" {
			t.Errorf("%s %s: %.400s", tc.Kind, tc.Field, err.Error())
		}
	}
	for _, kind := range []string{v1alpha1.ConfigRepoKind, v1alpha1.PipelineKind, v1alpha1.TriggerKind, v1alpha1.RunKind} {
		if refused[kind] == 0 {
			t.Errorf("no %s was refused", kind)
		}
	}
}
