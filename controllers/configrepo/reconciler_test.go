package configrepo_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	stdsync "sync"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/git"
	"github.com/kayci/kayci/test/copies"
)

// world is a cluster and a git server, both in memory, and a record of what the
// reconciler does to them.
type world struct {
	client.Client
	reconciler *configrepo.Reconciler
	clock      *testclock.FakePassiveClock
	recorder   *events.FakeRecorder
	// woken is told of each end of work in the background.
	woken chan types.NamespacedName

	// mu guards what concurrent reconciles write.
	mu     stdsync.Mutex
	writes []string
	// refuse is the API server's answer to an apply, by the object's name.
	refuse map[string]error
	// tried are the names of what was created in rehearsals, and judge the API
	// server's answers.
	tried []string
	judge map[string]error

	// beforeStatus is called before a status is patched.
	beforeStatus func()

	head     git.Revision
	headErr  func() error
	looks    int
	fetches  int
	fetchErr error
	rendered []render.Object
	files    error
	renders  int
}

func (w *world) Head(context.Context, git.Request) (git.Revision, error) {
	w.mu.Lock()
	w.looks++
	w.mu.Unlock()
	if w.headErr != nil {
		return git.Revision{}, w.headErr()
	}
	return w.head, nil
}

func (w *world) Fetch(context.Context, git.Request, git.Revision) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetches++
	return w.fetchErr
}

func (*world) Checkout(_ context.Context, _ git.Request, _ git.Revision, dir string) (left int, _ error) {
	return 0, os.WriteFile(filepath.Join(dir, "web.jsonnet"), nil, 0o600)
}

func (w *world) render(_ context.Context, opts render.Options) (render.Result, error) {
	w.renders++
	if _, err := os.Stat(filepath.Join(opts.Dir, "web.jsonnet")); err != nil {
		return render.Result{}, err
	}
	return render.Result{Objects: w.rendered}, w.files
}

func (w *world) wrote(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, fmt.Sprintf(format, args...))
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	w := &world{
		clock:    testclock.NewFakePassiveClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		recorder: events.NewFakeRecorder(100),
		woken:    make(chan types.NamespacedName, 100),
		refuse:   map[string]error{},
		judge:    map[string]error{},
		head:     git.Revision{Ref: "main", Commit: "c1"},
	}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(copies.Of(objects...)...).
		WithStatusSubresource(&v1alpha1.ConfigRepo{}, &v1alpha1.Pipeline{}, &v1alpha1.Trigger{}, &v1alpha1.Run{}).
		WithIndex(&v1alpha1.Run{}, "status.completionTime", func(obj client.Object) []string {
			if run, ok := obj.(*v1alpha1.Run); !ok || run.Status.CompletionTime != nil {
				return nil
			}
			return []string{""}
		}).
		WithInterceptorFuncs(w.intercept()).Build()
	w.restart(t)
	return w
}

// restart is another process, which remembers nothing.
func (w *world) restart(t *testing.T) {
	t.Helper()
	w.reconciler = &configrepo.Reconciler{
		Client: w.Client, APIReader: w.Client, Recorder: w.recorder, Clock: w.clock,
		Fetcher: w, Render: w.render, StoragePath: t.TempDir(),
	}
	w.reconciler.OnWake(func(name types.NamespacedName) { w.woken <- name })
}

func (w *world) intercept() interceptor.Funcs {
	return interceptor.Funcs{
		Apply: func(ctx context.Context, c client.WithWatch, config runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			var options client.ApplyOptions
			options.ApplyOptions(opts)
			object, ok := config.(interface{ GetName() string })
			if !ok {
				return fmt.Errorf("apply of a %T", config)
			}
			if err := w.refuse[object.GetName()]; err != nil {
				return err
			}
			if len(options.DryRun) > 0 {
				// The fake client would do it for real.
				return nil
			}
			w.wrote("apply %s", object.GetName())
			return c.Apply(ctx, config, opts...)
		},
		Create: func(_ context.Context, _ client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			var options client.CreateOptions
			options.ApplyOptions(opts)
			if len(options.DryRun) == 0 {
				return fmt.Errorf("creation of a %T", o)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tried = append(w.tried, o.GetName())
			return w.judge[o.GetName()]
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			w.wrote("patch %s", o.GetName())
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			w.wrote("delete %s", o.GetName())
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			w.wrote("%s %s", sub, o.GetName())
			if w.beforeStatus != nil {
				w.beforeStatus()
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}
}

// reconcile goes on until nothing happens in the background. It returns what was
// written and said.
func (w *world) reconcile(t *testing.T) (result ctrl.Result, writes, said []string) {
	t.Helper()
	w.writes = nil
	name := client.ObjectKey{Namespace: "ci", Name: "mine"}
	for {
		var err error
		if result, err = w.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: name}); err != nil {
			t.Fatalf("reconcile: %v", err)
		}
		if !w.reconciler.IsBusy(name) {
			break
		}
		<-w.woken
	}
	for len(w.recorder.Events) > 0 {
		said = append(said, <-w.recorder.Events)
	}
	return result, w.writes, said
}

func (w *world) repo(t *testing.T) *v1alpha1.ConfigRepo {
	t.Helper()
	var repo v1alpha1.ConfigRepo
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "mine"}, &repo); err != nil {
		t.Fatal(err)
	}
	return &repo
}

// conditions are those of the ConfigRepo, without times.
func (w *world) conditions(t *testing.T) []metav1.Condition {
	t.Helper()
	conditions := w.repo(t).Status.Conditions
	for i := range conditions {
		conditions[i].LastTransitionTime = metav1.Time{}
	}
	return conditions
}

func expect(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func configRepo() *v1alpha1.ConfigRepo {
	return &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "mine", UID: "u1", Generation: 1},
		Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/acme/pipelines.git"},
	}
}

func webPipeline(image string) render.Object {
	return render.Object{File: "web.jsonnet", Object: &v1alpha1.Pipeline{
		TypeMeta:   metav1.TypeMeta{APIVersion: "kayci.dev/v1alpha1", Kind: v1alpha1.PipelineKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web"},
		Spec: v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "test", Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}},
		}}}}},
	}}
}

func webTrigger() render.Object {
	return render.Object{File: "web.jsonnet", Object: &v1alpha1.Trigger{
		TypeMeta:   metav1.TypeMeta{APIVersion: "kayci.dev/v1alpha1", Kind: v1alpha1.TriggerKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push"},
		Spec: v1alpha1.TriggerSpec{Pipeline: "web", Webhook: &v1alpha1.Webhook{
			Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "web-hook"},
		}},
	}}
}

func TestSyncAppliesOnceAndThenWritesNothing(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1"), webTrigger()}

	result, writes, said := w.reconcile(t)
	expect(t, "result", ctrl.Result{RequeueAfter: 5 * time.Minute}, result)
	// Progress, the inventory ahead of the objects, the objects, the outcome.
	expect(t, "writes", []string{"status mine", "status mine", "apply web", "apply web-push", "status mine"}, writes)
	expect(t, "events", []string{"Normal Applied applied main@sha1:c1: 2 created"}, said)
	expect(t, "conditions", []metav1.Condition{{
		Type: "Ready", Status: "True", Reason: "Succeeded", Message: "applied main@sha1:c1", ObservedGeneration: 1,
	}}, w.conditions(t))
	status := w.repo(t).Status
	expect(t, "revisions", [2]string{"main@sha1:c1", "main@sha1:c1"}, [2]string{status.LastAttemptedRevision, status.LastAppliedRevision})
	expect(t, "observed generation", int64(1), status.ObservedGeneration)
	if n := len(status.Inventory.Entries); n != 2 {
		t.Errorf("%d inventory entries, want 2", n)
	}

	// Before the interval is over nothing is even asked.
	result, writes, said = w.reconcile(t)
	expect(t, "result in between", ctrl.Result{RequeueAfter: 5 * time.Minute}, result)
	expect(t, "writes in between", []string(nil), writes)
	expect(t, "events in between", []string(nil), said)
	expect(t, "looks in between", 1, w.looks)

	// After it, the head is asked for and found to be known.
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	_, writes, said = w.reconcile(t)
	expect(t, "writes of an unchanged sync", []string(nil), writes)
	expect(t, "events of an unchanged sync", []string(nil), said)
	expect(t, "looks", 2, w.looks)
	expect(t, "renders", 1, w.renders)
}

func TestRestartWritesNothing(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.reconcile(t)

	second := newWorld(t)
	second.Client, second.rendered = w.Client, w.rendered
	second.reconciler.Client, second.reconciler.APIReader = w.Client, w.Client
	w.writes = nil
	_, _, said := second.reconcile(t)
	expect(t, "writes", []string(nil), w.writes)
	expect(t, "events", []string(nil), said)
	expect(t, "renders", 1, second.renders)
}

func TestNewCommitChangesAndPrunes(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1"), webTrigger()}
	w.reconcile(t)

	w.head.Commit = "c2"
	w.rendered = []render.Object{webPipeline("busybox:2")}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	_, writes, said := w.reconcile(t)
	expect(t, "writes", []string{"status mine", "apply web", "delete web-push", "status mine"}, writes)
	expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 changed, 1 pruned"}, said)
	err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web-push"}, &v1alpha1.Trigger{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the removed Trigger: got %v, want NotFound", err)
	}
	if n := len(w.repo(t).Status.Inventory.Entries); n != 1 {
		t.Errorf("%d inventory entries, want 1", n)
	}
}

func TestObjectChangedByHandIsPutBack(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1"), webTrigger()}
	w.reconcile(t)

	if err := w.Delete(t.Context(), &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-push"}}); err != nil {
		t.Fatal(err)
	}
	_, writes, said := w.reconcile(t)
	expect(t, "writes", []string{"apply web-push"}, writes)
	expect(t, "events", []string{"Normal Restored put back what was changed by hand: 1 created"}, said)
	expect(t, "looks", 1, w.looks)
}

func TestRequestedAtLooksAtOnce(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.reconcile(t)

	repo := w.repo(t)
	repo.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "now"}
	if err := w.Update(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	_, writes, _ := w.reconcile(t)
	expect(t, "writes", []string{"status mine"}, writes)
	expect(t, "looks", 2, w.looks)
	expect(t, "handled request", "now", w.repo(t).Status.LastHandledReconcileAt)
	w.reconcile(t)
	expect(t, "looks after the request was handled", 2, w.looks)
}

func TestSuspendedDoesNothing(t *testing.T) {
	repo := configRepo()
	repo.Spec.Suspend = true
	w := newWorld(t, repo)
	result, writes, said := w.reconcile(t)
	expect(t, "result", ctrl.Result{}, result)
	expect(t, "writes", []string(nil), writes)
	expect(t, "events", []string(nil), said)
	expect(t, "looks", 0, w.looks)
}

func TestDeletedConfigRepoLeavesObjectsAndNoFiles(t *testing.T) {
	w := newWorld(t, configRepo())
	w.rendered = []render.Object{webPipeline("busybox:1")}
	w.reconcile(t)
	store := filepath.Join(w.reconciler.StoragePath, "ci", "mine")
	if _, err := os.Stat(store); err != nil {
		t.Fatalf("the folder of the ConfigRepo: %v", err)
	}
	if err := w.Delete(t.Context(), configRepo()); err != nil {
		t.Fatal(err)
	}
	_, writes, _ := w.reconcile(t)
	expect(t, "writes", []string(nil), writes)
	if _, err := os.Stat(store); !os.IsNotExist(err) {
		t.Errorf("the folder of the deleted ConfigRepo: got %v, want it gone", err)
	}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "ci", Name: "web"}, &v1alpha1.Pipeline{}); err != nil {
		t.Errorf("the Pipeline: %v", err)
	}
}
