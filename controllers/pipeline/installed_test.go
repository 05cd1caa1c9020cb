package pipeline_test

import (
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/api/v1alpha1"
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

// What keeps a single Pipeline from its copy is in its condition, and in the log
// once.
func TestInstalledDefaultsBesideAPipeline(t *testing.T) {
	t.Parallel()
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "kayci", Name: "job-defaults"}}
	configMap.Data = map[string]string{"jobTemplate": `spec: {template: {spec: {containers: [{name: "*", env: [{name: A, value: $(KAYCI_TITLE)}]}]}}}`}
	p := web()
	p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Args = []string{"$(A)"}
	w := newWorld(t, p)
	w.Installed = &revision.Installed{Reader: fake.NewClientBuilder().WithObjects(configMap).Build(), Key: client.ObjectKeyFromObject(configMap)}
	var lines []string
	ctx := log.IntoContext(t.Context(), funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{}))
	for range 2 {
		if _, err := w.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(p)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "ConfigMap kayci/job-defaults: spec.jobs[0].template") {
		t.Errorf("the log has %q", lines)
	}
	status := w.pipeline().Status
	ready := apimeta.FindStatusCondition(status.Conditions, meta.ReadyCondition)
	if ready == nil || ready.Reason != v1alpha1.ReasonInvalidJobDefaults || status.Revision != "" {
		t.Errorf("status %+v", status)
	}
}
