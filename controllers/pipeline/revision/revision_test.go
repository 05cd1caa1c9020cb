package revision_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/test/copies"
)

func pipeline(name, uid string, images ...string) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID(uid)}}
	for i, image := range images {
		p.Spec.Jobs = append(p.Spec.Jobs, v1alpha1.Job{
			Name: string(rune('a' + i)),
			Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
			}}},
		})
	}
	return p
}

func newClient(t *testing.T, funcs interceptor.Funcs, objs ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objs...)...).WithInterceptorFuncs(funcs).Build()
}

func TestNameDependsOnOwnerAndSpecAlone(t *testing.T) {
	t.Parallel()
	base := pipeline("web", "u1", "golang:1.26")
	again := pipeline("web", "u1", "golang:1.26")
	again.Labels = map[string]string{"team": "blue"}
	again.Status.Revision = "web-before"

	if got, want := revision.Name(again), revision.Name(base); got != want {
		t.Errorf("labels and status changed the name: %s, want %s", got, want)
	}
	if revision.Name(pipeline("web", "u1", "golang:1.27")) == revision.Name(base) {
		t.Error("another spec has the same name")
	}
	if revision.Name(pipeline("web", "u2", "golang:1.26")) == revision.Name(base) {
		t.Error("a Pipeline made again has the name of its predecessor's revision")
	}
	if got := revision.Name(base); !regexp.MustCompile(`^web-[0-9a-v]{10}$`).MatchString(got) {
		t.Errorf("name %q", got)
	}
	if got := revision.Name(pipeline(strings.Repeat("x", 52), "u", "i")); len(got) != 63 {
		t.Errorf("longest name has %d characters", len(got))
	}
}

func TestSpecReturnsWhatNewStored(t *testing.T) {
	t.Parallel()
	p := pipeline("web", "u1", "golang:1.26", "alpine:3")
	p.Spec.Params = []v1alpha1.Param{{Name: "git_sha"}, {Name: "mode", Default: new("")}}
	rev := revision.New(p, 7)
	got, err := revision.Spec(rev)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Spec, got); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	wantOwner := []metav1.OwnerReference{{
		APIVersion: "kayci.dev/v1alpha1", Kind: "Pipeline", Name: "web", UID: "u1",
		Controller: new(true), BlockOwnerDeletion: new(true),
	}}
	if diff := cmp.Diff(wantOwner, rev.OwnerReferences); diff != "" {
		t.Errorf("owner (-want +got):\n%s", diff)
	}

	rev.Data.Raw = []byte(`{"jobs": 1}`)
	if _, err := revision.Spec(rev); err == nil || !strings.Contains(err.Error(), rev.Name) {
		t.Errorf("broken data: error %v, want one that names the revision", err)
	}
}

func TestEnsureCreatesOnceAndCountsUp(t *testing.T) {
	t.Parallel()
	creates := 0
	c := newClient(t, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		creates++
		return c.Create(ctx, obj, opts...)
	}})
	for i, image := range []string{"a:1", "a:1", "a:2"} {
		p := pipeline("web", "u1", image)
		name, err := revision.Ensure(t.Context(), c, nil, p)
		if err != nil || name != revision.Name(p) {
			t.Fatalf("call %d: %q, %v", i, name, err)
		}
	}
	if creates != 2 {
		t.Errorf("%d creates, want 2", creates)
	}
	list, err := revision.List(t.Context(), c, pipeline("web", "u1"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int64{}
	for _, rev := range list {
		numbers[rev.Name] = rev.Revision
	}
	want := map[string]int64{
		revision.Name(pipeline("web", "u1", "a:1")): 1,
		revision.Name(pipeline("web", "u1", "a:2")): 2,
	}
	if diff := cmp.Diff(want, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func TestEnsureRefusesForeignObject(t *testing.T) {
	t.Parallel()
	p := pipeline("web", "u1", "a:1")
	foreign := revision.New(p, 1)
	foreign.OwnerReferences = nil
	if _, err := revision.Ensure(t.Context(), newClient(t, interceptor.Funcs{}, foreign), nil, p); err == nil {
		t.Error("a revision without an owner was accepted")
	}
}

func TestEnsureAcceptsLostRace(t *testing.T) {
	t.Parallel()
	// The cache of this process hasn't seen what another has just created.
	p := pipeline("web", "u1", "a:1")
	stale := interceptor.Funcs{Get: func(_ context.Context, _ client.WithWatch, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
		return apierrors.NewNotFound(appsv1.Resource("controllerrevisions"), key.Name)
	}}
	name, err := revision.Ensure(t.Context(), newClient(t, stale, revision.New(p, 1)), nil, p)
	if err != nil || name != revision.Name(p) {
		t.Errorf("%q, %v; want %q", name, err, revision.Name(p))
	}
}
