package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/settled"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

// applySite is a namespace that syncs are applied to, without a cache.
type applySite struct {
	client.Client
	namespace string
	applier   apply.Applier
	writes    *writeLog
	inventory *v1alpha1.Inventory
	tracked   []*v1alpha1.Inventory
}

func newApplySite(t *testing.T) *applySite {
	t.Helper()
	cfg := serverConfig(t)
	site := &applySite{Client: newClient(t, cfg)}
	site.namespace = newNamespace(t, site.Client)
	site.writes = watchWrites(cfg)
	watched := newClient(t, cfg)
	site.applier = apply.Applier{Client: watched, Live: watched, Settled: settled.Runs}
	return site
}

// sync applies objects as the ConfigRepo named mine and returns what was
// written.
func (s *applySite) sync(t *testing.T, objects ...render.Object) ([]string, error) {
	t.Helper()
	desired, err := apply.Prepare("mine", objects)
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.applier.Sync(t.Context(), apply.Input{
		Namespace: s.namespace, Repo: "mine", Prune: true, AllowPrune: true, Desired: desired, Inventory: s.inventory,
	}, func(_ context.Context, inventory *v1alpha1.Inventory) error {
		s.tracked = append(s.tracked, inventory)
		return nil
	})
	s.inventory = result.Inventory
	return s.writes.take(), err
}

func (s *applySite) mustSync(t *testing.T, objects ...render.Object) []string {
	t.Helper()
	writes, err := s.sync(t, objects...)
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	return writes
}

func (s *applySite) pipeline(name string, jobs ...string) render.Object {
	p := &v1alpha1.Pipeline{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.PipelineKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
	}
	for _, job := range jobs {
		p.Spec.Jobs = append(p.Spec.Jobs, v1alpha1.Job{Name: job, Template: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}},
		}}})
	}
	return render.Object{File: name + ".jsonnet", Object: p}
}

func (s *applySite) trigger(name, pipeline string, params map[string]string) render.Object {
	return render.Object{File: name + ".yaml", Object: &v1alpha1.Trigger{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.TriggerKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: v1alpha1.TriggerSpec{
			Pipeline: pipeline,
			Params:   params,
			Webhook:  &v1alpha1.Webhook{Provider: v1alpha1.ProviderGitHub, SecretRef: meta.LocalObjectReference{Name: "hook"}},
		},
	}}
}

func (s *applySite) getTrigger(ctx context.Context, t *testing.T, name string) *v1alpha1.Trigger {
	t.Helper()
	var trigger v1alpha1.Trigger
	if err := s.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, &trigger); err != nil {
		t.Fatal(err)
	}
	return &trigger
}

func wantEqual(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestApplyIsIdleWhenNothingDiffers(t *testing.T) {
	s := newApplySite(t)
	objects := []render.Object{s.trigger("push", "web", nil), s.pipeline("web", "test")}
	wantEqual(t, "writes of the first sync", []string{"PATCH pipelines/web", "PATCH triggers/push"}, s.mustSync(t, objects...))
	wantEqual(t, "writes of the second", []string(nil), s.mustSync(t, objects...))

	announced := []*v1alpha1.Inventory{{Entries: []v1alpha1.InventoryEntry{
		{Kind: "Pipeline", Name: "web"}, {Kind: "Trigger", Name: "push"},
	}}}
	wantEqual(t, "inventory ahead of the objects", announced, s.tracked)
	wantEqual(t, "writes after a change of one", []string{"PATCH pipelines/web"},
		s.mustSync(t, s.trigger("push", "web", nil), s.pipeline("web", "test", "build")))
	wantEqual(t, "number of inventories stored ahead", 1, len(s.tracked))
}

func TestApplyRemovesWhatOthersAdded(t *testing.T) {
	s := newApplySite(t)
	rendered := s.trigger("push", "web", map[string]string{"sha": "event.sha"})
	s.mustSync(t, rendered)
	want := s.getTrigger(t.Context(), t, "push").Spec

	edited := s.getTrigger(t.Context(), t, "push")
	edited.Spec.Webhook.Branches = []string{"main"}
	edited.Spec.Params["extra"] = "'by hand'"
	edited.Labels["theirs"] = "stays"
	if err := s.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	applied := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"suspend": true}}}
	applied.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(v1alpha1.TriggerKind))
	applied.SetNamespace(s.namespace)
	applied.SetName("push")
	err := s.Client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner("somebody"))
	if err != nil {
		t.Fatal(err)
	}

	wantEqual(t, "writes", []string{"PATCH triggers/push", "PATCH triggers/push"}, s.mustSync(t, rendered))
	got := s.getTrigger(t.Context(), t, "push")
	wantEqual(t, "spec", want, got.Spec)
	wantEqual(t, "their label", "stays", got.Labels["theirs"])
	wantEqual(t, "writes afterwards", []string(nil), s.mustSync(t, rendered))
}

// Of many objects the metadata is listed, and says the same as that of one.
func TestApplyOfManyRemovesWhatOthersAdded(t *testing.T) {
	s := newApplySite(t)
	many := func(params map[string]string) (objects []render.Object) {
		for i := range 30 {
			objects = append(objects, s.trigger(fmt.Sprintf("push-%d", i), "web", params))
		}
		return objects
	}
	wantEqual(t, "number of writes of the first sync", 30, len(s.mustSync(t, many(nil)...)))
	edited := s.getTrigger(t.Context(), t, "push-7")
	edited.Spec.Webhook.Branches = []string{"main"}
	if err := s.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	params := map[string]string{"sha": "event.sha"}
	wantEqual(t, "number of writes of the second", 31, len(s.mustSync(t, many(params)...)))
	wantEqual(t, "branches", []string(nil), s.getTrigger(t.Context(), t, "push-7").Spec.Webhook.Branches)
	wantEqual(t, "writes afterwards", []string(nil), s.mustSync(t, many(params)...))
	wantEqual(t, "number of writes when nothing is desired", 30, len(s.mustSync(t)))
}

func TestApplyIsAllOrNothing(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("old", "test"), s.pipeline("web", "test"), s.trigger("push", "web", nil))
	edited := s.getTrigger(t.Context(), t, "push")
	edited.Spec.Suspend = true
	if err := s.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}

	// The fields of others are taken over when a commit is applied, not when it is
	// refused.
	writes, err := s.sync(t, s.trigger("push", "other", nil), s.pipeline("aaa", "test"), s.pipeline("web", "test", "test"), s.pipeline("zzz", "NOT A LABEL"))
	wantEqual(t, "writes", []string(nil), writes)
	var refused *apply.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got error %v, want a RefusedError", err)
	}
	wantEqual(t, "number of faults", 2, len(refused.Faults))
	for i, want := range []string{"web.jsonnet: Pipeline/web: ", "zzz.jsonnet: Pipeline/zzz: "} {
		if line := strings.Split(err.Error(), "\n")[i]; !strings.HasPrefix(line, want) {
			t.Errorf("line %d is %q, want it to begin with %q", i, line, want)
		}
	}
	wantEqual(t, "managed fields", edited.ManagedFields, s.getTrigger(t.Context(), t, "push").ManagedFields)
	if !strings.Contains(err.Error(), "jobs must have different names") {
		t.Errorf("%q does not give the API server's reason", err)
	}
	var all v1alpha1.PipelineList
	if err := s.List(t.Context(), &all, client.InNamespace(s.namespace)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range all.Items {
		names = append(names, p.Name)
	}
	wantEqual(t, "pipelines", []string{"old", "web"}, names)
}

func TestApplyPrunesWhatIsItsOwn(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("web", "test"), s.trigger("push", "web", nil), s.trigger("kept", "web", nil))
	released := s.getTrigger(t.Context(), t, "kept")
	delete(released.Labels, v1alpha1.ConfigRepoLabel)
	if err := s.Update(t.Context(), released); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "writes", []string{"DELETE triggers/push", "DELETE pipelines/web"}, s.mustSync(t))
	wantEqual(t, "inventory", &v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{}}, s.inventory)
	s.getTrigger(t.Context(), t, "kept")
}

func TestApplyAdoptsAndRefuses(t *testing.T) {
	s := newApplySite(t)
	handmade, ok := s.trigger("push", "other", map[string]string{"extra": "'by hand'"}).Object.(*v1alpha1.Trigger)
	if !ok {
		t.Fatal("no Trigger")
	}
	if err := s.Create(t.Context(), handmade); err != nil {
		t.Fatal(err)
	}
	s.mustSync(t, s.trigger("push", "web", nil))
	want, ok := s.trigger("push", "web", nil).Object.(*v1alpha1.Trigger)
	if !ok {
		t.Fatal("no Trigger")
	}
	adopted := s.getTrigger(t.Context(), t, "push")
	wantEqual(t, "adopted spec", want.Spec, adopted.Spec)

	theirs := &v1alpha1.ConfigRepo{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "theirs"},
		Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/theirs.git"},
	}
	if err := s.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	adopted.Labels[v1alpha1.ConfigRepoLabel] = "theirs"
	if err := s.Update(t.Context(), adopted); err != nil {
		t.Fatal(err)
	}
	writes, err := s.sync(t, s.trigger("push", "web", nil), s.pipeline("web", "test"))
	wantEqual(t, "writes", []string(nil), writes)
	var refused *apply.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), `push.yaml: Trigger/push: belongs to ConfigRepo "theirs"`) {
		t.Errorf("got error %v, want a refusal of Trigger/push", err)
	}

	if err := s.Delete(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	s.mustSync(t, s.trigger("push", "web", nil), s.pipeline("web", "test"))
	wantEqual(t, "owner", "mine", s.getTrigger(t.Context(), t, "push").Labels[v1alpha1.ConfigRepoLabel])
}

func TestApplyInterruptedIsFoundAgain(t *testing.T) {
	s := newApplySite(t)
	desired, err := apply.Prepare("mine", []render.Object{s.pipeline("web", "test")})
	if err != nil {
		t.Fatal(err)
	}
	in := apply.Input{Namespace: s.namespace, Repo: "mine", Prune: true, Desired: desired}
	var ahead *v1alpha1.Inventory
	if _, err := s.applier.Sync(t.Context(), in, func(_ context.Context, inventory *v1alpha1.Inventory) error {
		ahead = inventory
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.writes.take()

	// The process died before it could store more than what was stored ahead.
	s.inventory = ahead
	s.mustSync(t, s.pipeline("web", "test"))
	wantEqual(t, "writes when all is recorded", []string(nil), s.mustSync(t, s.pipeline("web", "test")))

	s.inventory = ahead
	wantEqual(t, "writes of a commit without it", []string{"DELETE pipelines/web"}, s.mustSync(t))
	err = s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "web"}, &v1alpha1.Pipeline{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want NotFound", err)
	}
}

// TestApplyJudgesWhatItIsGoingToMake has somebody else claim a field that the
// commit changes and one that it leaves out.
func TestApplyJudgesWhatItIsGoingToMake(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.trigger("push", "web", nil))
	edited := s.getTrigger(t.Context(), t, "push")
	edited.Spec.Suspend = true
	if err := s.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	faulty := s.trigger("push", "other", nil)
	if trigger, ok := faulty.Object.(*v1alpha1.Trigger); ok {
		trigger.Spec.Webhook.Provider = "nobody"
	}
	writes, err := s.sync(t, faulty)
	wantEqual(t, "writes", []string(nil), writes)
	if refused, ok := errors.AsType[*apply.RefusedError](err); !ok || len(refused.Faults) != 1 {
		t.Errorf("got error %v, want a RefusedError with one fault", err)
	}
	wantEqual(t, "managed fields", edited.ManagedFields, s.getTrigger(t.Context(), t, "push").ManagedFields)
	wantEqual(t, "writes of a good one", []string{"PATCH triggers/push", "PATCH triggers/push"}, s.mustSync(t, s.trigger("push", "other", nil)))
	if got := s.getTrigger(t.Context(), t, "push").Spec; got.Suspend || got.Pipeline != "other" {
		t.Errorf("spec is %+v", got)
	}
}

// TestHandover moves a Pipeline from one ConfigRepo to another: it stays the same
// object.
func TestHandover(t *testing.T) {
	s := newApplySite(t)
	s.mustSync(t, s.pipeline("web", "test"))
	for name, adopt := range map[string][]string{"mine": nil, "theirs": {"mine"}} {
		repo := &v1alpha1.ConfigRepo{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
			Spec:       v1alpha1.ConfigRepoSpec{URL: "https://git.example.com/x.git", Adopt: adopt},
		}
		if err := s.Create(t.Context(), repo); err != nil {
			t.Fatal(err)
		}
	}
	pipeline := func() *v1alpha1.Pipeline {
		t.Helper()
		var p v1alpha1.Pipeline
		if err := s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "web"}, &p); err != nil {
			t.Fatal(err)
		}
		return &p
	}
	before := pipeline()
	desired, err := apply.Prepare("theirs", []render.Object{s.pipeline("web", "test")})
	if err != nil {
		t.Fatal(err)
	}
	track := func(context.Context, *v1alpha1.Inventory) error { return nil }
	in := apply.Input{Namespace: s.namespace, Repo: "theirs", Prune: true, Desired: desired}
	if _, err := s.applier.Sync(t.Context(), in, track); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "owner", "theirs", pipeline().Labels[v1alpha1.ConfigRepoLabel])
	s.writes.take()
	wantEqual(t, "writes of the former owner that still renders it", []string(nil), s.mustSync(t, s.pipeline("web", "test")))
	wantEqual(t, "writes of the former owner that doesn't", []string(nil), s.mustSync(t))
	wantEqual(t, "uid", before.UID, pipeline().UID)
	wantEqual(t, "generation", before.Generation, pipeline().Generation)
}
