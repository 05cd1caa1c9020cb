package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger"
	"github.com/kayci/kayci/controllers/trigger/resource"
	"github.com/kayci/kayci/controllers/trigger/source"
)

// replica runs what starts Runs by changes of objects, until the returned function is
// called.
func replica(t *testing.T, cfg *rest.Config, namespace string) (stop func()) {
	t.Helper()
	return startManager(t, cfg, namespace, func(mgr ctrl.Manager) error {
		ofTriggers := &trigger.Reconciler{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()}
		if err := ofTriggers.SetupWithManager(mgr, controller.Options{}); err != nil {
			return err
		}
		byObject := &resource.Reconciler{
			Client: mgr.GetClient(), Mapper: mgr.GetRESTMapper(), Recorder: mgr.GetEventRecorder("kayci"), Clock: clock.RealClock{},
			Launcher: &source.Launcher{Client: mgr.GetClient(), Starter: &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader()}},
		}
		return byObject.SetupWithManager(mgr, controller.Options{})
	})
}

// watchCount counts the watches of ConfigMaps and widgets that go on, as the API server
// is asked for them.
func watchCount(cfg *rest.Config) *atomic.Int64 {
	var open atomic.Int64
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			watched := strings.HasSuffix(r.URL.Path, "/configmaps") || strings.HasSuffix(r.URL.Path, "/widgets")
			if err == nil && answer.StatusCode == http.StatusOK && watched && r.URL.Query().Has("watch") {
				open.Add(1)
				context.AfterFunc(r.Context(), func() { open.Add(-1) })
			}
			return answer, err
		})
	})
	return &open
}

// observer is a Trigger of a namespace that watches objects.
type observer struct {
	client.Client
	t         *testing.T
	namespace string
}

func (o *observer) create(objects ...client.Object) {
	o.t.Helper()
	for _, object := range objects {
		object.SetNamespace(o.namespace)
		if err := o.Create(o.t.Context(), object); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *observer) trigger(name string, spec v1alpha1.Resource, params map[string]string) *v1alpha1.Trigger {
	return &v1alpha1.Trigger{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.TriggerSpec{Pipeline: "web", Resource: &spec, Params: params}}
}

// await waits until the Trigger's condition Ready is this one.
func (o *observer) await(name, reason, says string) {
	o.t.Helper()
	eventually(o.t, name+" is "+reason, func(ctx context.Context) error {
		var trigger v1alpha1.Trigger
		if err := o.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, &trigger); err != nil {
			return err
		}
		ready := meta.FindStatusCondition(trigger.Status.Conditions, "Ready")
		if ready == nil || ready.Reason != reason || !strings.Contains(ready.Message, says) {
			return fmt.Errorf("it is %+v", ready)
		}
		return nil
	})
}

// values waits until the Runs of a Trigger have these values, in the order in which they
// were started.
func (o *observer) values(name string, want ...string) []v1alpha1.Run {
	o.t.Helper()
	var runs v1alpha1.RunList
	eventually(o.t, fmt.Sprintf("Runs of %s", name), func(ctx context.Context) error {
		if err := o.List(ctx, &runs, client.InNamespace(o.namespace), client.MatchingLabels{v1alpha1.TriggerLabel: name}); err != nil {
			return err
		}
		slices.SortFunc(runs.Items, func(a, b v1alpha1.Run) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		var got []string
		for i := range runs.Items {
			got = append(got, runs.Items[i].Spec.Params["value"])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
	return runs.Items
}

func (o *observer) change(name, value string) {
	o.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: name}}
	if err := o.Patch(o.t.Context(), object, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"data":{"value":%q}}`, value))); err != nil {
		o.t.Fatal(err)
	}
}

func (o *observer) delete(objects ...client.Object) {
	o.t.Helper()
	for _, object := range objects {
		if err := o.Delete(o.t.Context(), object); err != nil {
			o.t.Fatal(err)
		}
	}
}

// wantWatches waits for that many watches.
func (o *observer) wantWatches(open *atomic.Int64, want int64) {
	o.t.Helper()
	eventually(o.t, fmt.Sprintf("%d watches", want), func(context.Context) error {
		if got := open.Load(); got != want {
			return fmt.Errorf("there are %d", got)
		}
		return nil
	})
}

func newObserver(t *testing.T, cfg *rest.Config) *observer {
	t.Helper()
	c := newClient(t, cfg)
	o := &observer{Client: c, t: t, namespace: newNamespace(t, c)}
	web := graph(o.namespace, "test")
	web.Name, web.Spec.Params = "web", []v1alpha1.Param{{Name: "value"}}
	o.create(web)
	return o
}

func settings(value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"value": value}}
}

// TestResource: a change of a ConfigMap is one Run, before and after a restart, and a
// change that nobody was there to see has its own afterwards. What is settled writes
// nothing, and no watch outlives its last Trigger.
func TestResource(t *testing.T) {
	cfg := serverConfig(t)
	o := newObserver(t, serverConfig(t))
	writes, open := watchWrites(cfg), watchCount(cfg)
	whole := o.trigger("whole", v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Name: "settings", MinInterval: &metav1.Duration{Duration: time.Second}},
		map[string]string{"value": "object.data.value + (oldObject == null ? '' : ' after ' + oldObject.data.value)"})
	slim := o.trigger("slim", v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Events: []v1alpha1.ResourceEvent{v1alpha1.ResourceAdded, v1alpha1.ResourceDeleted}},
		map[string]string{"value": "event + ' ' + object.kind + ' ' + object.metadata.name"})
	o.create(settings("1"), slim)
	stop := replica(t, cfg, o.namespace)
	o.await("slim", v1alpha1.ReasonWatching, "any ConfigMap")
	o.create(whole)
	o.await("whole", v1alpha1.ReasonWatching, "ConfigMap settings")
	o.wantWatches(open, 1)
	o.change("settings", "2")
	first := o.values("whole", "2 after 1")[0]
	var changed corev1.ConfigMap
	if err := o.Get(t.Context(), client.ObjectKey{Namespace: o.namespace, Name: "settings"}, &changed); err != nil {
		t.Fatal(err)
	}
	want := &v1alpha1.Origin{Trigger: "whole", Delivery: string(changed.UID) + "@" + changed.ResourceVersion}
	if diff := cmp.Diff(want, first.Spec.Origin); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	o.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "other"}})
	o.values("slim", "Added ConfigMap other")
	if wrote := settle(t, writes); len(wrote) == 0 {
		t.Error("no write is seen")
	}
	stop()
	o.wantWatches(open, 0)

	stop = replica(t, cfg, o.namespace)
	o.wantWatches(open, 1)
	if wrote := settle(t, writes); len(wrote) > 0 {
		t.Errorf("a restart wrote %q", wrote)
	}
	stop()
	o.change("settings", "3")
	stop = replica(t, cfg, o.namespace)
	defer stop()
	o.values("whole", "2 after 1", "3")
	o.delete(&changed)
	o.values("slim", "Added ConfigMap other", "Deleted ConfigMap settings")
	o.values("whole", "2 after 1", "3")
	o.delete(whole)
	o.wantWatches(open, 1)
	o.delete(slim)
	o.wantWatches(open, 0)
}

// TestResourceInAHotLoop: however often an object is changed, the interval bounds its
// Runs, and the last state has one.
func TestResourceInAHotLoop(t *testing.T) {
	cfg := serverConfig(t)
	o := newObserver(t, cfg)
	o.create(settings("0"), o.trigger("hot", v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", MinInterval: &metav1.Duration{Duration: 5 * time.Second}},
		map[string]string{"value": "object.data.value"}))
	stop := replica(t, cfg, o.namespace)
	defer stop()
	o.await("hot", v1alpha1.ReasonWatching, "")
	const changes = 200
	began := time.Now()
	for i := range changes {
		o.change("settings", fmt.Sprint(i+1))
	}
	var runs v1alpha1.RunList
	eventually(t, "the last state has its Run", func(ctx context.Context) error {
		if err := o.List(ctx, &runs, client.InNamespace(o.namespace)); err != nil {
			return err
		}
		if !slices.ContainsFunc(runs.Items, func(run v1alpha1.Run) bool { return run.Spec.Params["value"] == fmt.Sprint(changes) }) {
			return fmt.Errorf("there are %d Runs", len(runs.Items))
		}
		return nil
	})
	if most := int(time.Since(began)/(5*time.Second)) + 1; len(runs.Items) > most {
		t.Errorf("%d changes started %d Runs, and %d are as many as the interval allows", changes, len(runs.Items), most)
	}
}

// TestResourceWithoutRights: what the API server says why objects can't be watched stands
// in the Trigger, until it is put right.
func TestResourceWithoutRights(t *testing.T) {
	cfg := serverConfig(t)
	o := newObserver(t, cfg)
	o.allow("kayci", rbacv1.PolicyRule{APIGroups: []string{"kayci.dev", "apps", "events.k8s.io"}, Resources: []string{"*"}, Verbs: []string{"*"}})
	limited := rest.CopyConfig(cfg)
	limited.Impersonate = rest.ImpersonationConfig{UserName: "kayci-" + o.namespace, Groups: []string{"system:authenticated"}}
	o.create(settings("1"),
		o.trigger("settings", v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap"}, map[string]string{"value": "object.data.value"}),
		o.trigger("widgets", v1alpha1.Resource{APIVersion: o.namespace + ".example.com/v1", Kind: "Widget"}, map[string]string{"value": "object.spec.size"}),
		o.trigger("nodes", v1alpha1.Resource{APIVersion: "v1", Kind: "Node"}, map[string]string{"value": "object.metadata.name"}))
	stop := replica(t, limited, o.namespace)
	defer stop()
	o.await("settings", v1alpha1.ReasonWatchFailed, `configmaps is forbidden: User "kayci-`+o.namespace+`" cannot list resource "configmaps"`)
	o.await("widgets", v1alpha1.ReasonKindNotFound, "serves no kind Widget")
	o.await("nodes", v1alpha1.ReasonKindNotNamespaced, "lives in no namespace")
	o.allow("objects", rbacv1.PolicyRule{APIGroups: []string{"", o.namespace + ".example.com"}, Resources: []string{"configmaps", "widgets"}, Verbs: []string{"list", "watch"}})
	widgets := widgetKind(o.namespace + ".example.com")
	if err := o.Create(t.Context(), widgets); err != nil {
		t.Fatal(err)
	}
	o.await("settings", v1alpha1.ReasonWatching, "")
	o.await("widgets", v1alpha1.ReasonWatching, "")
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": o.namespace + ".example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "a"}, "spec": map[string]any{"size": int64(7)}}}
	o.create(widget)
	o.values("widgets", "7")
	o.change("settings", "2")
	o.values("settings", "2")
	o.delete(widgets)
	o.await("widgets", v1alpha1.ReasonKindNotFound, "could not find the requested resource")
}

// allow gives the replica a right in the namespace.
func (o *observer) allow(name string, rule rbacv1.PolicyRule) {
	o.t.Helper()
	o.create(&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{rule}}, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "kayci-" + o.namespace}},
	})
}

func widgetKind(group string) *unstructured.Unstructured {
	version := map[string]any{
		"name": "v1", "served": true, "storage": true,
		"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "widgets." + group},
		"spec": map[string]any{"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "widgets", "kind": "Widget"}, "versions": []any{version}},
	}}
}

// TestResourcesThatAreRefused: the API server refuses them, whether the admission webhook
// is on or not.
func TestResourcesThatAreRefused(t *testing.T) {
	o := newObserver(t, serverConfig(t))
	for _, tt := range []struct {
		spec v1alpha1.Resource
		says string
	}{
		{v1alpha1.Resource{APIVersion: "v1", Kind: "Secret"}, "Secrets start no Runs"},
		{v1alpha1.Resource{APIVersion: "v1", Kind: "secret"}, "Secrets start no Runs"},
		{v1alpha1.Resource{APIVersion: "kayci.dev/v1alpha1", Kind: "Run"}, "KayCI's own kinds"},
		{v1alpha1.Resource{APIVersion: "events.k8s.io/v1", Kind: "Event"}, "Events start no Runs"},
		{v1alpha1.Resource{APIVersion: "v1", Kind: "event"}, "Events start no Runs"},
		{v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", MinInterval: &metav1.Duration{Duration: time.Millisecond}}, "minInterval must be at least"},
		{v1alpha1.Resource{APIVersion: "v1", Kind: "ConfigMap", Events: []v1alpha1.ResourceEvent{"Modified"}}, `Unsupported value: "Modified"`},
	} {
		refused := o.trigger("refused", tt.spec, nil)
		refused.Namespace = o.namespace
		if err := o.Create(t.Context(), refused); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v", tt.spec, err)
		}
	}
}
