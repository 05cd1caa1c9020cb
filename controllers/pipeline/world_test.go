package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	runs "github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/test/copies"
)

type world struct {
	t      *testing.T
	live   client.WithWatch
	writes []string
	behind bool // the cache shows no Job
	seen   map[types.UID]*v1alpha1.Run
	listed int // objects that the cache was asked for in lists
	clock  *clocktesting.FakePassiveClock
	*pipeline.Reconciler
}

func newWorld(t *testing.T, objs ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{
		t: t,
		live: fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.Pipeline{}, &v1alpha1.Run{}, &batchv1.Job{}).
			WithIndex(&v1alpha1.Run{}, v1alpha1.CompletionTimeField, runs.ActiveRun).
			WithIndex(&batchv1.Job{}, "metadata.labels."+v1alpha1.RunLabel, pipeline.RunOf).
			WithObjects(copies.Of(objs...)...).Build(),
		seen:  map[types.UID]*v1alpha1.Run{},
		clock: clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
	}
	note := func(verb string, obj client.Object) { w.writes = append(w.writes, fmt.Sprintf("%s %T", verb, obj)) }
	counted := interceptor.NewClient(w.live, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, is := list.(*batchv1.JobList); is && w.behind {
				return nil
			}
			err := c.List(ctx, list, opts...)
			w.listed += meta.LenList(list)
			return err
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			note("create", obj)
			return c.Create(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			note("patch", obj)
			return c.Patch(ctx, obj, patch, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			note("delete", obj)
			return c.Delete(ctx, obj, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			note("patch "+sub, obj)
			return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
		},
	})
	w.Reconciler = &pipeline.Reconciler{Client: counted, APIReader: w.live, Clock: w.clock}
	return w
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.clock.SetTime(w.clock.Now().Add(d)) }

// reconcile returns what one look wrote, and checks that another writes nothing.
func (w *world) reconcile() ([]string, time.Duration) {
	w.t.Helper()
	req := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ci", Name: "web"}}
	w.writes = nil
	w.watch()
	result, err := w.Reconcile(w.t.Context(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	wrote := w.writes
	w.writes = nil
	w.watch()
	if _, err := w.Reconcile(w.t.Context(), req); err != nil {
		w.t.Fatal(err)
	}
	if len(w.writes) > 0 {
		w.t.Errorf("a second look wrote %v", w.writes)
	}
	return wrote, result.RequeueAfter
}

// unasked is a queue that nobody looks into.
type unasked struct {
	workqueue.TypedRateLimitingInterface[ctrl.Request]
}

func (unasked) Add(ctrl.Request) {}

func (unasked) AddAfter(ctrl.Request, time.Duration) {}

// watch tells the Reconciler of the Runs that have come, changed or gone.
func (w *world) watch() {
	w.t.Helper()
	var list v1alpha1.RunList
	if err := w.live.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	news, before := w.RunNews(), w.seen
	w.seen = map[types.UID]*v1alpha1.Run{}
	for i := range list.Items {
		now := &list.Items[i]
		w.seen[now.UID] = now
		if old := before[now.UID]; old != nil {
			news.Update(w.t.Context(), event.UpdateEvent{ObjectOld: old, ObjectNew: now}, unasked{})
		} else {
			news.Create(w.t.Context(), event.CreateEvent{Object: now}, unasked{})
		}
	}
	for uid, old := range before {
		if w.seen[uid] == nil {
			news.Delete(w.t.Context(), event.DeleteEvent{Object: old}, unasked{})
		}
	}
}

func (w *world) pipeline() *v1alpha1.Pipeline {
	w.t.Helper()
	var p v1alpha1.Pipeline
	if err := w.live.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: "web"}, &p); err != nil {
		w.t.Fatal(err)
	}
	return &p
}

// edit gives the job another image.
func (w *world) edit(image string) {
	w.t.Helper()
	p := w.pipeline()
	p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Image = image
	p.Generation++
	if err := w.live.Update(w.t.Context(), p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) revisions() map[string]int64 {
	w.t.Helper()
	list, err := revision.List(w.t.Context(), w.live, w.pipeline())
	if err != nil {
		w.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, rev := range list {
		spec, err := revision.Spec(&rev)
		if err != nil {
			w.t.Fatal(err)
		}
		found[spec.Jobs[0].Template.Spec.Template.Spec.Containers[0].Image] = rev.Revision
	}
	return found
}

func (w *world) runs() []string {
	w.t.Helper()
	var list v1alpha1.RunList
	if err := w.live.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, run := range list.Items {
		names = append(names, run.Name)
	}
	return names
}

func web() *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "web-uid", Generation: 1}}
	p.Spec.Retention = &v1alpha1.Retention{MaxCount: ptr.To[int32](2), MinAge: &metav1.Duration{}}
	p.Spec.Jobs = []v1alpha1.Job{{Name: "test"}}
	p.Spec.Jobs[0].Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "a:1"}}
	return p
}

func run(name string, number int64, phase v1alpha1.RunPhase) *v1alpha1.Run {
	created := metav1.NewTime(time.Date(2026, 3, 1, 11, int(number), 0, 0, time.UTC))
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: types.UID(name), CreationTimestamp: created,
			Labels:          map[string]string{v1alpha1.PipelineLabel: "web"},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(web(), v1alpha1.GroupVersion().WithKind("Pipeline"))},
		},
		Spec:   v1alpha1.RunSpec{Pipeline: "web", Revision: revision.Name(web())},
		Status: v1alpha1.RunStatus{Phase: phase, Number: number, CompletionTime: &created},
	}
}
