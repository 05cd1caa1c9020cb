package source_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/source"
)

func TestOfPipeline(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	trigger := func(namespace, name, pipeline string, schedule *v1alpha1.Schedule) *v1alpha1.Trigger {
		return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.TriggerSpec{Pipeline: pipeline, Schedule: schedule}}
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		trigger("ci", "nightly", "web", &v1alpha1.Schedule{}), trigger("ci", "push", "web", nil),
		trigger("ci", "other", "docs", &v1alpha1.Schedule{}), trigger("prod", "nightly", "web", &v1alpha1.Schedule{}),
	).Build()
	web := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"}}
	got := source.OfPipeline(c, func(s *v1alpha1.TriggerSpec) bool { return s.Schedule != nil })(t.Context(), web)
	want := []reconcile.Request{{NamespacedName: client.ObjectKey{Namespace: "ci", Name: "nightly"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
