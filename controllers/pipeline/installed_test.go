package pipeline_test

import (
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// A Pipeline has the copy that the installation's defaults make of it, and says
// what is wrong with them.
func TestInstalledDefaults(t *testing.T) {
	t.Parallel()
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kayci", Name: "job-defaults"}}
	live := fake.NewClientBuilder().WithObjects(configMap).Build()
	w := newWorld(t, web())
	w.Installed = &revision.Installed{Reader: live, Key: client.ObjectKeyFromObject(configMap)}
	current := map[string]bool{}
	for _, tt := range []struct {
		template, reason string
		wrote            []string
	}{
		{"metadata: {labels: {a: b}}", "Valid", []string{"create *v1.ControllerRevision", "patch status *v1alpha1.Pipeline"}},
		{"metadata: {labels: {a: c}}", "Valid", []string{"create *v1.ControllerRevision", "patch status *v1alpha1.Pipeline"}},
		{"metadata: {labels: {a: c}} # ", "Valid", nil},
		{"metadata: {lables: {a: c}}", "InvalidJobDefaults", []string{"patch status *v1alpha1.Pipeline"}},
		{`spec: {template: {spec: {volumes: [{name: v, emptyDir: {}}]}}}`, "Valid", []string{"create *v1.ControllerRevision", "patch status *v1alpha1.Pipeline", "delete *v1.ControllerRevision"}},
	} {
		configMap.Data = map[string]string{"jobTemplate": tt.template}
		if err := live.Update(t.Context(), configMap); err != nil {
			t.Fatal(err)
		}
		wrote, _ := w.reconcile()
		if diff := cmp.Diff(tt.wrote, wrote); diff != "" {
			t.Errorf("%s: wrote (-want +got):\n%s", tt.template, diff)
		}
		status := w.pipeline().Status
		ready := apimeta.FindStatusCondition(status.Conditions, meta.ReadyCondition)
		if ready == nil || ready.Reason != tt.reason || (status.Revision == "") != (tt.reason != "Valid") {
			t.Errorf("%s: status %+v", tt.template, status)
		}
		current[status.Revision] = true
	}
	if len(current) != 4 {
		t.Errorf("the copies are %v, want 3 and none", current)
	}
}
