package chart_test

import (
	"context"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

const garbageCollector = "system:serviceaccount:kube-system:generic-garbage-collector"

// deletingObjects are a Pipeline and a Run whose deletion waits, as one with
// --cascade=foreground does, for a finalizer that the garbage collector removes.
func (s *server) deletingObjects(t *testing.T) []client.Object {
	t.Helper()
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: releaseNamespace, Name: name, Finalizers: []string{metav1.FinalizerDeleteDependents}}
	}
	job := v1alpha1.Job{Name: "test"}
	job.Template = batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "busybox"}},
	}}}}
	objects := []client.Object{
		&v1alpha1.Pipeline{ObjectMeta: meta("going"), Spec: v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{job}}},
		&v1alpha1.Run{ObjectMeta: meta("going"), Spec: v1alpha1.RunSpec{Pipeline: "going"}},
	}
	c := s.typed(t, "")
	for _, obj := range objects {
		if err := c.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		if err := c.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	staying := &v1alpha1.Run{ObjectMeta: meta("staying"), Spec: v1alpha1.RunSpec{Pipeline: "going"}}
	if err := c.Create(t.Context(), staying); err != nil {
		t.Fatal(err)
	}
	return objects
}

// typed returns a client that knows KayCI's kinds, as a user or as the
// administrator.
func (s *server) typed(t *testing.T, user string) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	cfg := rest.CopyConfig(s.config)
	if user != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkWithoutReplica writes while nobody answers for the admission webhook, which
// the chart has told the API server to ask: what it would have to judge fails, and
// nothing else.
func (s *server) checkWithoutReplica(t *testing.T, deleting []client.Object, repo *unstructured.Unstructured) {
	t.Helper()
	const annotate = `{"metadata":{"annotations":{"a":"b"}}}`
	const forget = `{"metadata":{"finalizers":null}}`
	staying := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: "staying"}}
	for _, tt := range []struct {
		what   string
		user   string
		obj    client.Object
		patch  string
		judged bool
	}{
		{"a ConfigRepo's annotation", "", repo, annotate, false},
		{"a ConfigRepo's spec", "", repo, `{"spec":{"interval":"7m"}}`, true},
		{"a Run's annotation", "", staying, annotate, true},
		{"a Run's owners, by the garbage collector", garbageCollector, staying, `{"metadata":{"ownerReferences":null,"labels":{"a":"b"}}}`, false},
		{"a Run's spec, while it is being deleted", "", deleting[1], `{"spec":{"cancelled":true}}`, true},
		{"the end of a Run", "", deleting[1], forget, false},
		{"the end of a Pipeline", garbageCollector, deleting[0], forget, false},
	} {
		obj, ok := tt.obj.DeepCopyObject().(client.Object)
		if !ok {
			t.Fatalf("%T is no object", tt.obj)
		}
		err := s.typed(t, tt.user).Patch(t.Context(), obj, client.RawPatch(types.MergePatchType, []byte(tt.patch)))
		if judged := err != nil && strings.Contains(err.Error(), "failed calling webhook"); judged != tt.judged || err != nil && !judged {
			t.Errorf("%s: judged is %t, want %t; error %v", tt.what, judged, tt.judged, err)
		}
	}
	for _, obj := range deleting {
		if err := s.typed(t, "").Get(context.WithoutCancel(t.Context()), client.ObjectKeyFromObject(obj), obj); !apierrors.IsNotFound(err) {
			t.Errorf("%T is still there: %v", obj, err)
		}
	}
}
