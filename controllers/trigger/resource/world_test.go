package resource

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/source"
	"github.com/kayci/kayci/test/copies"
)

// world is a fake API server with Triggers, and a replica over it.
type world struct {
	client.Client
	t          *testing.T
	reconciler *Reconciler
	mapper     *meta.DefaultRESTMapper
	clock      *clocktesting.FakePassiveClock
	told       *events.FakeRecorder
	// objects are those of the kind that is watched, as of the version.
	objects map[string]metav1.Object
	version int
	// watching are the informers that run.
	watching map[*stage]bool
	// statuses count the writes, failStatus and failCreate fail the next one.
	statuses int
	// stop ends the replica and waits for that.
	stop                   func()
	failStatus, failCreate error
}

// stage is an informer that shows the world's objects.
type stage struct {
	world *world
	at    place
	whole bool
	to    listener
	ended chan struct{}
}

func (s *stage) name() string {
	if s.whole {
		return s.at.namespace + "/" + s.at.resource + " whole"
	}
	return s.at.namespace + "/" + s.at.resource + " metadata"
}

// run ends with what a request says whose context has ended.
func (s *stage) run(ctx context.Context) {
	<-ctx.Done()
	s.to.failed(ctx.Err())
	close(s.ended)
}

func (s *stage) objects() ([]metav1.Object, string) {
	return slices.Collect(maps.Values(s.world.objects)), strconv.Itoa(s.world.version)
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: clocktesting.NewFakePassiveClock(second(1)), told: events.NewFakeRecorder(100), objects: map[string]metav1.Object{}, version: 100}
	w.mapper = meta.NewDefaultRESTMapper(nil)
	w.mapper.Add(corev1.SchemeGroupVersion.WithKind("ConfigMap"), meta.RESTScopeNamespace)
	w.mapper.Add(corev1.SchemeGroupVersion.WithKind("Node"), meta.RESTScopeRoot)
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).WithStatusSubresource(&v1alpha1.Trigger{}).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				if err := w.failStatus; err != nil {
					w.failStatus = nil
					return err
				}
				w.statuses++
				return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
			},
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				if _, is := obj.(*v1alpha1.Run); is && w.failCreate != nil {
					err := w.failCreate
					w.failCreate = nil
					return err
				}
				return c.Create(ctx, obj, opts...)
			},
		}).Build()
	w.restart()
	return w
}

// restart has another replica take over, which knows nothing. Its informers show the
// objects as soon as they are asked for.
func (w *world) restart() {
	w.t.Helper()
	w.watching = map[*stage]bool{}
	r := &Reconciler{
		Client: w, Mapper: w.mapper, Recorder: w.told, Clock: w.clock,
		Launcher: &source.Launcher{Client: w, Starter: &start.Starter{Client: w, APIReader: w}},
	}
	r.prepare(func(at place, whole bool, to listener) informer {
		s := &stage{world: w, at: at, whole: whole, to: to, ended: make(chan struct{})}
		w.watching[s] = true
		return s
	}, func(types.NamespacedName) {})
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
	w.reconciler = r
}

// list has every informer show its objects.
func (w *world) list() {
	for s := range w.watching {
		s.to.listed()
	}
}

// look has the replica look at a Trigger, and again if the informer lists meanwhile.
func (w *world) look(name string) (ctrl.Result, error) {
	w.t.Helper()
	return w.reconciler.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "ci", Name: name}})
}

// begin looks at the Triggers until they see the objects.
func (w *world) begin(names ...string) {
	w.t.Helper()
	for _, name := range names {
		w.at(-1, name)
	}
	w.list()
	for _, name := range names {
		w.at(-1, name)
	}
}

// at looks at a Trigger at a time, or now, and returns when to look again.
func (w *world) at(n int, name string) time.Duration {
	w.t.Helper()
	if n >= 0 {
		w.clock.SetTime(second(n))
	}
	result, err := w.look(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return result.RequeueAfter
}

// put adds or changes an object; heard says whether there is a watch that tells of it.
func (w *world) put(name, value string, heard bool) {
	w.version++
	old := w.objects[name]
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"value": value}}}
	object.SetNamespace("ci")
	object.SetName(name)
	object.SetUID(types.UID("uid-" + name))
	object.SetResourceVersion(strconv.Itoa(w.version))
	object.SetCreationTimestamp(metav1.Time{Time: w.clock.Now()})
	event := v1alpha1.ResourceAdded
	if old != nil {
		event = v1alpha1.ResourceUpdated
		object.SetCreationTimestamp(old.GetCreationTimestamp())
	}
	w.objects[name] = object
	w.hear(event, object, old, heard)
}

func (w *world) remove(name string, heard bool) {
	w.version++
	object := w.objects[name]
	object.SetResourceVersion(strconv.Itoa(w.version))
	delete(w.objects, name)
	w.hear(v1alpha1.ResourceDeleted, object, nil, heard)
}

func (w *world) hear(event v1alpha1.ResourceEvent, object, old metav1.Object, heard bool) {
	for s := range w.watching {
		if heard {
			s.to.changed(event, object, old)
		}
	}
}

// runs are the Runs of a Trigger: why there is each, and its parameter.
func (w *world) runs(name string) []string {
	w.t.Helper()
	var list v1alpha1.RunList
	if err := w.List(w.t.Context(), &list, client.MatchingLabels{v1alpha1.TriggerLabel: name}); err != nil {
		w.t.Fatal(err)
	}
	var found []string
	for _, run := range list.Items {
		why, _, _ := strings.Cut(run.Annotations[v1alpha1.ReasonAnnotation], ",")
		found = append(found, fmt.Sprintf("%s %s: %s", run.Spec.Origin.Delivery, why, run.Spec.Params["value"]))
	}
	slices.Sort(found)
	return found
}

func (w *world) want(name string, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.runs(name), cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("Runs of %s (-want +got):\n%s", name, diff)
	}
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	var got []string
	for len(w.told.Events) > 0 {
		got = append(got, <-w.told.Events)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
}

// written is how many statuses were written since the last call.
func (w *world) written() int {
	n := w.statuses
	w.statuses = 0
	return n
}

func (w *world) trigger(name string) *v1alpha1.Trigger {
	w.t.Helper()
	trigger := &v1alpha1.Trigger{}
	if err := w.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: name}, trigger); err != nil {
		w.t.Fatal(err)
	}
	return trigger
}

// edit changes a Trigger's spec as a person does.
func (w *world) edit(name string, change func(*v1alpha1.TriggerSpec)) {
	w.t.Helper()
	trigger := w.trigger(name)
	change(&trigger.Spec)
	trigger.Generation++
	if err := w.Update(w.t.Context(), trigger); err != nil {
		w.t.Fatal(err)
	}
}

func pipeline() *v1alpha1.Pipeline {
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "web-uid"},
		Spec:       v1alpha1.PipelineSpec{Params: []v1alpha1.Param{{Name: "value"}}, Jobs: []v1alpha1.Job{{Name: "test"}}},
	}
}

// settings is a Trigger for ConfigMaps.
func settings(change ...func(*v1alpha1.TriggerSpec)) *v1alpha1.Trigger {
	trigger := &v1alpha1.Trigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "settings", UID: "settings-uid", Generation: 1},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: "web", Params: map[string]string{"value": "object.data.value"},
			Resource: &v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Events: v1alpha1.ResourceEvents()},
		},
	}
	for _, change := range change {
		change(&trigger.Spec)
	}
	return trigger
}
