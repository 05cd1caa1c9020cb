package run_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run"
)

// kindOf names the kind of an object, or of the items of a list.
func kindOf(obj runtime.Object) string {
	name := reflect.TypeOf(obj).Elem().Name()
	return strings.TrimSuffix(name, "List")
}

func notFound(kind, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
}

// objects are those of one namespace, by kind and name: what the API server
// holds, or what a cache has seen of it. No caller shares memory with them.
type objects map[string]map[string]client.Object

func (o objects) put(obj client.Object) {
	kind := kindOf(obj)
	if o[kind] == nil {
		o[kind] = map[string]client.Object{}
	}
	o[kind][obj.GetName()] = obj
}

func (o objects) get(name string, into client.Object) error {
	found := o[kindOf(into)][name]
	if found == nil {
		return notFound(kindOf(into), name)
	}
	assign(into, found)
	return nil
}

func (o objects) list(list client.ObjectList, opts ...client.ListOption) error {
	var options client.ListOptions
	options.ApplyOptions(opts)
	kind := kindOf(list)
	var items []runtime.Object
	for _, name := range slices.Sorted(maps.Keys(o[kind])) {
		obj := o[kind][name]
		if options.LabelSelector != nil && !options.LabelSelector.Matches(labels.Set(obj.GetLabels())) {
			continue
		}
		if !selected(&options, obj) {
			continue
		}
		items = append(items, obj.DeepCopyObject())
	}
	return meta.SetList(list, items)
}

// selected knows the indexes of the cache, and of the API server. Nobody makes
// events here, which are selected by a field as well.
func selected(options *client.ListOptions, obj client.Object) bool {
	if options.FieldSelector == nil {
		return true
	}
	if r, is := obj.(*v1alpha1.Run); is {
		value, exact := options.FieldSelector.RequiresExactMatch("status.completionTime")
		return exact && value == "" && r.Status.CompletionTime == nil
	}
	if value, exact := options.FieldSelector.RequiresExactMatch("metadata.labels.kayci.dev/lock"); exact {
		return slices.Contains(run.LockOf(obj), value)
	}
	if value, exact := options.FieldSelector.RequiresExactMatch("metadata.labels.kayci.dev/run"); exact {
		return obj.GetLabels()["kayci.dev/run"] == value
	}
	pod, is := obj.(*corev1.Pod)
	return is && options.FieldSelector.Matches(fields.Set{"status.phase": string(pod.Status.Phase)})
}

// as asserts what the test itself has made sure of.
func as[T any](value any) T {
	typed, ok := value.(T)
	if !ok {
		panic(fmt.Sprintf("a %T", value))
	}
	return typed
}

// assign makes one object a copy of another.
func assign(into, from client.Object) {
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(from.DeepCopyObject()).Elem())
}

// change is what a watch tells. Before is nil for a new object, after for one
// that is gone.
type change struct {
	before, after client.Object
	at            time.Time
}

func (c change) object() client.Object {
	if c.after != nil {
		return c.after
	}
	return c.before
}

// server is an API server with what the Reconciler rests on: names are unique,
// versions guard writes that ask for it, the status is apart, finalizers hold
// deleted objects. It stores what a trip through JSON leaves: whole seconds.
type server struct {
	t       *testing.T
	clock   *clocktesting.FakePassiveClock
	objects objects
	log     map[string][]change // by kind
	version int
	admit   func(client.Object) // may change what is created
	check   func(change)        // sees every write
}

func (s *server) create(obj client.Object) error {
	kind := kindOf(obj)
	if s.objects[kind][obj.GetName()] != nil {
		return apierrors.NewAlreadyExists(schema.GroupResource{Resource: kind}, obj.GetName())
	}
	created := s.throughJSON(obj, nil)
	dropStatus(created, nil)
	if created.GetUID() == "" {
		created.SetUID(types.UID("uid-" + strconv.Itoa(s.version+1)))
	}
	s.admit(created)
	created.SetGeneration(1)
	created.SetCreationTimestamp(s.now())
	s.store(nil, created)
	assign(obj, created)
	return nil
}

// patch applies a merge patch to the object, or to its status alone.
func (s *server) patch(obj client.Object, patch client.Patch, status bool) error {
	data, err := patch.Data(obj)
	if err != nil {
		return err
	}
	if patch.Type() != types.MergePatchType {
		s.t.Fatalf("a patch of type %s", patch.Type())
	}
	kind, name := kindOf(obj), obj.GetName()
	before := s.objects[kind][name]
	if before == nil {
		return notFound(kind, name)
	}
	var changes map[string]any
	if err := json.Unmarshal(data, &changes); err != nil {
		return err
	}
	after := s.throughJSON(before, changes)
	if after.GetUID() != before.GetUID() || after.GetResourceVersion() != before.GetResourceVersion() {
		return apierrors.NewConflict(schema.GroupResource{Resource: kind}, name, fmt.Errorf("version %s, UID %s", before.GetResourceVersion(), before.GetUID()))
	}
	if status {
		kept := as[client.Object](before.DeepCopyObject())
		dropStatus(kept, after)
		after = kept
	} else {
		dropStatus(after, before)
	}
	s.store(before, after)
	assign(obj, s.current(after))
	return nil
}

// update changes an object in place, as the rest of the cluster does.
func (s *server) update(obj client.Object, mutate func()) {
	before := s.objects[kindOf(obj)][obj.GetName()]
	if before == nil || before.GetUID() != obj.GetUID() {
		return
	}
	assign(obj, before)
	mutate()
	if equality.Semantic.DeepEqual(before, obj) {
		return
	}
	s.store(before, s.throughJSON(obj, nil))
}

// delete marks an object that is held by finalizers and removes any other.
func (s *server) delete(obj client.Object, grace int64) {
	found := s.objects[kindOf(obj)][obj.GetName()]
	if found == nil || found.GetUID() != obj.GetUID() {
		return
	}
	if len(found.GetFinalizers()) == 0 {
		s.store(found, nil)
		return
	}
	if found.GetDeletionTimestamp() != nil {
		return
	}
	after := as[client.Object](found.DeepCopyObject())
	end := metav1.NewTime(s.now().Add(seconds(grace)))
	after.SetDeletionTimestamp(&end)
	after.SetDeletionGracePeriodSeconds(&grace)
	s.store(found, after)
}

// store makes the change and tells the watches, unless it is none.
func (s *server) store(before, after client.Object) {
	if before != nil && after != nil {
		if equality.Semantic.DeepEqual(before, after) {
			return
		}
		if after.GetDeletionTimestamp() != nil && len(after.GetFinalizers()) == 0 {
			after = nil
		}
	}
	s.version++
	if after == nil {
		delete(s.objects[kindOf(before)], before.GetName())
	} else {
		if before != nil && !equality.Semantic.DeepEqual(fieldOf(before, "Spec"), fieldOf(after, "Spec")) {
			after.SetGeneration(before.GetGeneration() + 1)
		}
		after.SetResourceVersion(strconv.Itoa(s.version))
		s.objects.put(after)
	}
	c := change{before, after, s.clock.Now()}
	s.log[kindOf(c.object())] = append(s.log[kindOf(c.object())], c)
	s.check(c)
}

// current is the object as it is stored now, or the given one if it isn't.
func (s *server) current(obj client.Object) client.Object {
	if found := s.objects[kindOf(obj)][obj.GetName()]; found != nil {
		return found
	}
	return obj
}

// throughJSON returns a copy with the changes of a merge patch.
func (s *server) throughJSON(obj client.Object, changes map[string]any) client.Object {
	data, err := json.Marshal(obj)
	if err != nil {
		s.t.Fatal(err)
	}
	if changes != nil {
		var fields map[string]any
		if err := json.Unmarshal(data, &fields); err != nil {
			s.t.Fatal(err)
		}
		merge(fields, changes)
		if data, err = json.Marshal(fields); err != nil {
			s.t.Fatal(err)
		}
	}
	decoded := as[client.Object](reflect.New(reflect.TypeOf(obj).Elem()).Interface())
	if err := json.Unmarshal(data, decoded); err != nil {
		s.t.Fatal(err)
	}
	return decoded
}

// merge is RFC 7396.
func merge(into, changes map[string]any) {
	for key, value := range changes {
		inner, isMap := value.(map[string]any)
		target, wasMap := into[key].(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isMap && wasMap:
			merge(target, inner)
		case isMap:
			fresh := map[string]any{}
			merge(fresh, inner)
			into[key] = fresh
		default:
			into[key] = value
		}
	}
}

func (s *server) now() metav1.Time { return metav1.NewTime(s.clock.Now()).Rfc3339Copy() }

// fieldOf returns a field of the object's struct, nil if it has none.
func fieldOf(obj client.Object, name string) any {
	value := reflect.ValueOf(obj).Elem().FieldByName(name)
	if !value.IsValid() {
		return nil
	}
	return value.Interface()
}

// dropStatus gives the object another one's status, or none.
func dropStatus(obj, from client.Object) {
	status := reflect.ValueOf(obj).Elem().FieldByName("Status")
	if !status.IsValid() {
		return
	}
	if from == nil {
		status.SetZero()
		return
	}
	status.Set(reflect.ValueOf(from.DeepCopyObject()).Elem().FieldByName("Status"))
}
