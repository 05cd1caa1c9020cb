package start

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/test/copies"
)

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func pipeline() *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "pipeline-uid"},
		Spec:       v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "test"}}},
	}
}

func request() Request {
	return Request{
		Pipeline:    pipeline(),
		Name:        RunName("web-push", "delivery-1"),
		Params:      map[string]string{"git_sha": "8f3c"},
		Origin:      &v1alpha1.Origin{Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Delivery: "delivery-1"},
		TriggerName: "web-push",
		Reason:      "a push of refs/heads/main",
	}
}

func starter(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) *Starter {
	t.Helper()
	c := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(copies.Of(objects...)...).WithInterceptorFuncs(funcs).Build()
	return &Starter{Client: c, APIReader: c}
}

func TestStartCreatesTheRun(t *testing.T) {
	s := starter(t, interceptor.Funcs{}, pipeline())
	run, created, err := s.Start(context.Background(), request())
	if err != nil || !created {
		t.Fatalf("created is %v, the error %v", created, err)
	}
	yes := true
	want := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: "web-push-r2sut3kt4e",
			Labels:      map[string]string{v1alpha1.PipelineLabel: "web", v1alpha1.TriggerLabel: "web-push"},
			Annotations: map[string]string{v1alpha1.ReasonAnnotation: "a push of refs/heads/main"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "kayci.dev/v1alpha1", Kind: "Pipeline", Name: "web", UID: "pipeline-uid",
				Controller: &yes, BlockOwnerDeletion: &yes,
			}},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: "web", Revision: revision.Name(pipeline()), Params: map[string]string{"git_sha": "8f3c"},
			Origin: &v1alpha1.Origin{Trigger: "web-push", Provider: v1alpha1.ProviderGitHub, Delivery: "delivery-1"},
		},
	}
	stored := &v1alpha1.Run{}
	if err := s.Client.Get(context.Background(), client.ObjectKeyFromObject(run), stored); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	copied := &appsv1.ControllerRevision{}
	if err := s.Client.Get(context.Background(), client.ObjectKey{Namespace: "ci", Name: run.Spec.Revision}, copied); err != nil {
		t.Errorf("the revision that the Run names: %v", err)
	}
}

// The same delivery with another body isn't the same. A Run of an older version
// doesn't tell.
func TestStartTwiceByAnotherBody(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second string
		want          error
	}{
		"the same": {"sha256:a", "sha256:a", nil},
		"another":  {"sha256:a", "sha256:b", ErrOtherBody},
		"untold":   {"", "sha256:b", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := starter(t, interceptor.Funcs{}, pipeline())
			for i, digest := range []string{tt.first, tt.second} {
				req := request()
				req.Origin.Digest = digest
				_, created, err := s.Start(t.Context(), req)
				if i == 0 && (err != nil || !created) || i == 1 && (!errors.Is(err, tt.want) || created) {
					t.Errorf("start %d: created is %v, the error %v", i+1, created, err)
				}
			}
		})
	}
}

func TestStartTwiceIsOneRun(t *testing.T) {
	s := starter(t, interceptor.Funcs{}, pipeline())
	first, _, err := s.Start(context.Background(), request())
	if err != nil {
		t.Fatal(err)
	}
	again := request()
	again.Params = map[string]string{"git_sha": "other"}
	second, created, err := s.Start(context.Background(), again)
	if err != nil {
		t.Fatal(err)
	}
	if created || second.Spec.Params["git_sha"] != "8f3c" || second.Name != first.Name {
		t.Errorf("the second start gave created %v and %+v", created, second.Spec)
	}
	var runs v1alpha1.RunList
	if err := s.Client.List(context.Background(), &runs); err != nil || len(runs.Items) != 1 {
		t.Errorf("there are %d Runs (%v)", len(runs.Items), err)
	}
}

func TestStartRefuses(t *testing.T) {
	deleting := pipeline()
	deleting.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	byHand := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: request().Name}, Spec: v1alpha1.RunSpec{Pipeline: "web"},
	}
	other := byHand.DeepCopy()
	other.Spec.Origin = &v1alpha1.Origin{Trigger: "web-push", Delivery: "delivery-2"}
	failing := interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if _, ok := obj.(*v1alpha1.Run); ok {
				return apierrors.NewServiceUnavailable("etcd is away")
			}
			return c.Create(ctx, obj, opts...)
		},
	}
	tests := map[string]struct {
		pipeline *v1alpha1.Pipeline
		funcs    interceptor.Funcs
		existing []client.Object
		want     error
		text     string
	}{
		"a Pipeline that is being deleted": {
			pipeline: deleting, want: ErrPipelineDeleted,
			text: "start a Run of Pipeline web: the Pipeline is being deleted",
		},
		"a name taken by hand": {
			existing: []client.Object{byHand}, want: ErrNameTaken,
			text: "create Run web-push-r2sut3kt4e: another Run has this name already",
		},
		"a name taken by another delivery": {
			existing: []client.Object{other}, want: ErrNameTaken,
			text: "create Run web-push-r2sut3kt4e: another Run has this name already",
		},
		"an API server that can't store it": {
			funcs: failing,
			text:  "create Run web-push-r2sut3kt4e: etcd is away",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := request()
			if tt.pipeline != nil {
				req.Pipeline = tt.pipeline
			}
			run, created, err := starter(t, tt.funcs, tt.existing...).Start(context.Background(), req)
			if err == nil || run != nil || created {
				t.Fatalf("got %v, %v, %v", run, created, err)
			}
			if diff := cmp.Diff(tt.text, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("the error is not %v", tt.want)
			}
		})
	}
}

func TestStartFindsARunThatTheCacheDoesNotShow(t *testing.T) {
	s := starter(t, interceptor.Funcs{}, pipeline())
	if _, _, err := s.Start(context.Background(), request()); err != nil {
		t.Fatal(err)
	}
	live, ok := s.Client.(client.WithWatch)
	if !ok {
		t.Fatalf("the fake client is a %T", s.Client)
	}
	s.Client = interceptor.NewClient(live, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, ok := obj.(*v1alpha1.Run); ok {
				return apierrors.NewNotFound(corev1.Resource("runs"), key.Name)
			}
			return c.Get(ctx, key, obj, opts...)
		},
	})
	if _, created, err := s.Start(context.Background(), request()); err != nil || created {
		t.Errorf("created is %v, the error %v", created, err)
	}
}

func TestRunName(t *testing.T) {
	longest := "a234567890123456789012345678901234567890123456789012"
	got := []string{
		RunName("web-push", "delivery-1"), RunName("web-push", "delivery-2"), RunName("web-pus", "hdelivery-1"), RunName(longest, "x"),
	}
	want := []string{"web-push-r2sut3kt4e", "", "", ""}
	if got[0] != want[0] {
		t.Errorf("the name has changed to %s: a delivery repeated across an upgrade would start a second Run", got[0])
	}
	seen := map[string]bool{}
	for _, name := range got {
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 || seen[name] {
			t.Errorf("%s: %v", name, problems)
		}
		seen[name] = true
	}
}
