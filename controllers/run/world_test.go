package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/test/copies"
)

var errCrash = errors.New("the process is dead")

// world is an API server, and a controller that can be killed.
type world struct {
	t      *testing.T
	live   client.WithWatch
	cache  client.Client // what reads see, if it isn't live
	clock  *clocktesting.FakePassiveClock
	events *events.FakeRecorder

	writes    []string // what the controller wrote, in order
	backwards bool     // lists of pods are in the opposite order
	crashAt   int      // the controller dies right after this write; 0: never
	crashed   func()   // comes then, if it isn't nil
	behind    bool     // the cache is, for one look
	deny      map[string]error
	before    func(write string)
	created   map[string]int    // Jobs by name
	leaves    map[string]string // termination messages, by the job's name in the Pipeline
	conflicts int
	liveReads []string
	uids      int

	reconciler *run.Reconciler
}

// sharedScheme is made once: making one takes longer than most tests do.
var sharedScheme = sync.OnceValues(func() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return s, nil
})

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s, err := sharedScheme()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func builder(t *testing.T) *fake.ClientBuilder {
	t.Helper()
	return fake.NewClientBuilder().WithScheme(scheme(t)).
		WithStatusSubresource(&v1alpha1.Run{}, &v1alpha1.Pipeline{}, &batchv1.Job{}, &corev1.Pod{}).
		WithIndex(&corev1.Pod{}, "metadata.labels.kayci.dev/run", run.RunOfPod).
		WithIndex(&corev1.Pod{}, "metadata.labels.kayci.dev/lock", run.LockOf).
		WithIndex(&batchv1.Job{}, "metadata.labels.kayci.dev/lock", run.LockOf).
		WithIndex(&v1alpha1.Run{}, "status.completionTime", run.ActiveRun).
		WithIndex(&corev1.Event{}, "involvedObject.uid", func(obj client.Object) []string {
			event, ok := obj.(*corev1.Event)
			if !ok {
				return nil
			}
			return []string{string(event.InvolvedObject.UID)}
		}).
		WithIndex(&corev1.Event{}, "involvedObject.name", func(obj client.Object) []string {
			event, ok := obj.(*corev1.Event)
			if !ok {
				return nil
			}
			return []string{event.InvolvedObject.Name}
		})
}

func newWorld(t *testing.T, objs ...client.Object) *world {
	t.Helper()
	w := &world{
		t:       t,
		live:    builder(t).WithObjects(copies.Of(objs...)...).Build(),
		clock:   clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		events:  events.NewFakeRecorder(100),
		created: map[string]int{},
		deny:    map[string]error{},
	}
	w.restart()
	w.reconciler.LeadAlways()
	return w
}

// event returns the next event that was written. There has to be one.
func (w *world) event() string {
	w.t.Helper()
	select {
	case event := <-w.events.Events:
		return event
	default:
		w.t.Fatal("no event was written")
		return ""
	}
}

// restart starts the controller anew, with an empty memory.
func (w *world) restart() {
	w.crashAt = 0
	cached := interceptor.NewClient(w.live, w.client())
	live := interceptor.NewClient(w.live, interceptor.Funcs{Get: w.liveGet, List: w.liveList})
	w.reconciler = &run.Reconciler{
		Client:    cached,
		APIReader: live,
		Starter:   &start.Starter{Client: cached, APIReader: live},
		Recorder:  w.events,
		Clock:     w.clock,
		Vouched:   true,
	}
}

func (w *world) liveGet(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	w.liveReads = append(w.liveReads, fmt.Sprintf("%T %s", obj, key.Name))
	return c.Get(ctx, key, obj, opts...)
}

func (w *world) liveList(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	w.liveReads = append(w.liveReads, fmt.Sprintf("%T", list))
	if err := w.deny[fmt.Sprintf("list %T", list)]; err != nil {
		return err
	}
	var options client.ListOptions
	options.ApplyOptions(opts)
	phases := options.FieldSelector
	pods, is := list.(*corev1.PodList)
	if !is || phases == nil {
		return c.List(ctx, list, opts...)
	}
	// The fake client knows no selector of what a field is not.
	options.FieldSelector = nil
	err := c.List(ctx, list, &options)
	pods.Items = slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		return !phases.Matches(fields.Set{"status.phase": string(pod.Status.Phase)})
	})
	return err
}

// client is what stands between the controller and the API server.
func (w *world) client() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if w.cache != nil {
				return w.cache.Get(ctx, key, obj, opts...)
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			reader := client.Reader(c)
			if w.cache != nil {
				reader = w.cache
			}
			err := reader.List(ctx, list, opts...)
			if pods, ok := list.(*corev1.PodList); ok && w.backwards {
				slices.Reverse(pods.Items)
			}
			return err
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return w.write("create", obj, func() error {
				w.uids++
				obj.SetUID(types.UID("uid-" + strconv.Itoa(w.uids)))
				obj.SetCreationTimestamp(metav1.Time{Time: w.clock.Now()})
				err := c.Create(ctx, obj, opts...)
				if _, ok := obj.(*batchv1.Job); ok && err == nil {
					w.created[obj.GetName()]++
				}
				return err
			})
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return w.write("patch", obj, func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return w.write("delete", obj, func() error { return c.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return w.write("patch "+sub, obj, func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
	}
}

func (w *world) write(verb string, obj client.Object, do func() error) error {
	if w.crashAt > 0 && len(w.writes) >= w.crashAt {
		return errCrash
	}
	what := fmt.Sprintf("%s %T %s", verb, obj, obj.GetName())
	if w.before != nil {
		w.before(what)
	}
	if err := w.deny[what]; err != nil {
		return err
	}
	err := do()
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		w.conflicts++
	}
	w.writes = append(w.writes, what)
	if w.crashAt == len(w.writes) {
		// The server has done it, and nobody is left to hear so.
		return errCrash
	}
	return err
}

// sync lets the cache see what is there now.
func (w *world) sync() {
	w.t.Helper()
	b := builder(w.t)
	for _, list := range []client.ObjectList{
		&v1alpha1.RunList{}, &v1alpha1.PipelineList{}, &batchv1.JobList{}, &corev1.PodList{}, &appsv1.ControllerRevisionList{},
	} {
		if err := w.live.List(w.t.Context(), list); err != nil {
			w.t.Fatal(err)
		}
		b = b.WithLists(list)
	}
	w.cache = b.Build()
}

func (w *world) reconcile(name string) (ctrl.Result, error) {
	return w.reconciler.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ci", Name: name}})
}

func (w *world) mustReconcile(name string) ctrl.Result {
	w.t.Helper()
	result, err := w.reconcile(name)
	if err != nil {
		w.t.Fatalf("reconcile: %v", err)
	}
	return result
}

func (w *world) get(name string, obj client.Object) {
	w.t.Helper()
	if err := w.live.Get(w.t.Context(), client.ObjectKey{Namespace: "ci", Name: name}, obj); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(name string) *v1alpha1.Run {
	w.t.Helper()
	var found v1alpha1.Run
	w.get(name, &found)
	return &found
}

func (w *world) jobs() []batchv1.Job {
	w.t.Helper()
	var list batchv1.JobList
	if err := w.live.List(w.t.Context(), &list); err != nil {
		w.t.Fatal(err)
	}
	return list.Items
}

// kubelet makes a pod for the Job that has none, and ends its container with
// 0. The pod's phase and the Job's verdict follow by others. A service's pod is
// ready instead.
func (w *world) kubelet(job *batchv1.Job) {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: job.Name + "-pod", UID: "pod-" + job.UID, Labels: job.Spec.Template.Labels,
			CreationTimestamp: metav1.Time{Time: w.clock.Now()},
			OwnerReferences:   []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: job.UID, Controller: new(true)}},
		},
		Spec: corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main"}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, StartTime: &metav1.Time{Time: w.clock.Now()},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{
				Terminated: &corev1.ContainerStateTerminated{
					FinishedAt: metav1.Time{Time: w.clock.Now()}, Message: w.leaves[job.Labels[v1alpha1.JobLabel]],
				},
			}}},
		},
	}
	if job.Labels[v1alpha1.ServiceLabel] != "" {
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	if err := w.live.Create(w.t.Context(), pod); err != nil && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}

// play lets pods succeed and the controller work until the Run `run` has ended,
// starting the controller anew whenever it has died.
func (w *world) play() *v1alpha1.Run {
	const name = "run"
	w.t.Helper()
	for range 50 {
		_, err := w.reconcile(name)
		switch {
		case errors.Is(err, errCrash):
			w.restart()
			if w.crashed != nil {
				w.crashed()
			}
			continue
		case err != nil:
			w.t.Fatalf("reconcile: %v", err)
		}
		if w.behind {
			w.behind, w.cache = false, nil
			continue
		}
		if found := w.run(name); found.Status.Phase.Finished() {
			return found
		}
		for _, job := range w.jobs() {
			w.kubelet(&job)
		}
	}
	w.t.Fatalf("run %s has not ended: %+v", name, w.run(name).Status)
	return nil
}

func pipeline(jobs ...v1alpha1.Job) *v1alpha1.Pipeline {
	for i := range jobs {
		jobs[i].Template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox:1", Command: []string{"true"}}}
	}
	return &v1alpha1.Pipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web", UID: "pipeline-uid"},
		Spec:       v1alpha1.PipelineSpec{Jobs: jobs},
	}
}

func diamond() *v1alpha1.Pipeline {
	return pipeline(
		v1alpha1.Job{Name: "a"}, v1alpha1.Job{Name: "b", Needs: []string{"a"}}, v1alpha1.Job{Name: "c", Needs: []string{"a"}},
		v1alpha1.Job{Name: "d", Needs: []string{"b", "c"}}, v1alpha1.Job{Name: "e", Needs: []string{"d"}},
	)
}

// started is a Run as a trigger makes it: pinned, owned and labelled.
func started(name string, p *v1alpha1.Pipeline) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: types.UID("run-" + name), Generation: 1,
			Labels:          map[string]string{v1alpha1.PipelineLabel: p.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p, v1alpha1.GroupVersion().WithKind("Pipeline"))},
		},
		Spec: v1alpha1.RunSpec{Pipeline: p.Name, Revision: revision.Name(p)},
	}
}
