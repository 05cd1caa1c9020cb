package resource

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/api/v1alpha1"
)

// What there is at the first look starts nothing, each change afterwards its Run, and
// what is settled is written once.
func TestChangesStartRuns(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.put("a", "1", false)
	w.begin("settings")
	if n := w.written(); n != 1 {
		t.Errorf("the first look wrote %d times", n)
	}
	w.want("settings")
	w.put("a", "2", true)
	if next := w.at(2, "settings"); next != 0 {
		t.Errorf("looks again after %s", next)
	}
	w.clock.SetTime(second(3))
	w.put("b", "3", true)
	w.remove("a", true)
	if next := w.at(3, "settings"); next != 9*time.Second {
		t.Errorf("looks again after %s", next)
	}
	if next := w.at(12, "settings"); next != 10*time.Second {
		t.Errorf("looks again after %s", next)
	}
	w.at(22, "settings")
	w.want("settings", "uid-a@102 ConfigMap a was updated: 2", "uid-a@deleted ConfigMap a was deleted: 2", "uid-b@103 ConfigMap b was added: 3")
	if n := w.written(); n != 3 {
		t.Errorf("three Runs wrote %d times", n)
	}
	w.at(59, "settings")
	if n := w.written(); n != 0 {
		t.Errorf("a look that finds nothing wrote %d times", n)
	}
	want := &v1alpha1.ResourceStatus{APIVersion: "v1", Kind: "ConfigMap", Version: "104", Time: &metav1.Time{Time: second(22)}, Started: &metav1.Time{Time: second(22)}}
	if diff := cmp.Diff(want, w.trigger("settings").Status.Resource); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// However often an object changes, the intervals bound its Runs, and its last state has
// one.
func TestHotLoop(t *testing.T) {
	w := newWorld(t, pipeline(), settings(func(s *v1alpha1.TriggerSpec) { s.Params["value"] += " + oldObject.data.value" }))
	w.put("a", "x", false)
	w.begin("settings")
	for n := 2; n < 30; n++ {
		w.put("a", string(rune('a'+n-2)), true)
		w.at(n, "settings")
	}
	w.at(40, "settings")
	w.want("settings", "uid-a@102 ConfigMap a was updated: ax", "uid-a@112 ConfigMap a was updated: ka", "uid-a@122 ConfigMap a was updated: uk", "uid-a@129 ConfigMap a was updated: |u")
}

// An object that changes all the time has its turn, whatever else changes.
func TestTurns(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.begin("settings")
	for n := 1; n < 50; n++ {
		w.put("hot", "1", true)
		if n%3 == 0 {
			w.put("a", "1", true)
			w.put("b", "1", true)
			w.put("hot", "1", true)
		}
		w.at(n, "settings")
	}
	turns := map[string]int{}
	for _, run := range w.runs("settings") {
		name, _, _ := strings.Cut(run, "@")
		turns[name]++
	}
	if diff := cmp.Diff(map[string]int{"uid-hot": 3, "uid-a": 1, "uid-b": 1}, turns); diff != "" {
		t.Errorf("Runs (-want +got):\n%s", diff)
	}
}

// A conflict is nothing to anybody, and forgets nothing.
func TestConflict(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.begin("settings")
	w.put("a", "1", true)
	w.failStatus = apierrors.NewConflict(schema.GroupResource{}, "settings", nil)
	if next := w.at(2, "settings"); next != 100*time.Millisecond {
		t.Errorf("looks again after %s", next)
	}
	w.put("a", "2", true)
	w.at(3, "settings")
	w.want("settings", "uid-a@101 ConfigMap a was added: 1")
	if got := w.trigger("settings").Status.Resource; got.Version != "101" || !got.Started.Time.Equal(second(2)) {
		t.Errorf("the status is %+v", got)
	}
}

// A condition that isn't true costs no interval and, for minutes, no write.
func TestCondition(t *testing.T) {
	w := newWorld(t, pipeline(), settings(func(s *v1alpha1.TriggerSpec) {
		s.Resource.If = "oldObject == null || object.data.value != oldObject.data.value"
	}))
	w.put("a", "1", false)
	w.begin("settings")
	w.written()
	for range 5 {
		w.put("a", "1", true)
		if next := w.at(-1, "settings"); next < saving-10*gap {
			t.Errorf("looks again after %s", next)
		}
		w.clock.SetTime(w.clock.Now().Add(gap))
	}
	if n := w.written(); n != 0 {
		t.Errorf("wrote %d times", n)
	}
	w.put("a", "2", true)
	w.at(-1, "settings")
	w.want("settings", "uid-a@107 ConfigMap a was updated: 2")
	w.put("a", "2", true)
	w.at(59, "settings")
	w.written()
	w.clock.SetTime(second(59).Add(saving))
	w.at(-1, "settings")
	if n := w.written(); n != 1 {
		t.Errorf("a mark that has moved was written %d times", n)
	}
}

// What is wrong with an expression or a parameter is told, takes a turn, and is over.
func TestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*v1alpha1.TriggerSpec)
		want   string
	}{
		"a condition": {
			func(s *v1alpha1.TriggerSpec) { s.Resource.If = "object.spec.paused" },
			"Warning CannotStart no Run, though ConfigMap a was added, resource version 101: spec.resource.if: 1:12: no such key: spec (write object.?data.?name.orValue('') for a field that may be missing)",
		},
		"no condition": {
			func(s *v1alpha1.TriggerSpec) { s.Resource.If = "object.data" },
			"Warning CannotStart no Run, though ConfigMap a was added, resource version 101: spec.resource.if: 1:1: the result is of type map, but a condition is true or false: compare it with something",
		},
		"a parameter": {
			func(s *v1alpha1.TriggerSpec) { s.Params["value"] = "object.data.other" },
			"Warning CannotStart no Run, though ConfigMap a was added, resource version 101: spec.params[value]: 1:12: no such key: other (write object.?data.?name.orValue('') for a field that may be missing)",
		},
		"too much": {func(s *v1alpha1.TriggerSpec) {
			s.Resource.If = "size(object.data.value.split('')) > 100000"
		}, "Warning CannotStart no Run, though ConfigMap a was added, resource version 101: spec.resource.if: 1:29: split: the result would have 200000 parts, and 100000 is the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, pipeline(), settings(tt.change))
			w.begin("settings")
			value := "1"
			if name == "too much" {
				value = string(make([]byte, 199_998))
			}
			w.put("a", value, true)
			w.at(2, "settings")
			w.wantTold(tt.want)
			w.put("a", "1", true)
			if next := w.at(3, "settings"); next != 9*time.Second {
				t.Errorf("looks again after %s", next)
			}
			w.want("settings")
			w.wantTold()
		})
	}
}

// A Pipeline that is missing is waited for: the last state of each object has its Run.
func TestMissingPipeline(t *testing.T) {
	w := newWorld(t, settings())
	w.begin("settings")
	w.put("a", "1", true)
	for n := 2; n < 5; n++ {
		w.put("a", "2", true)
		if next := w.at(n, "settings"); next != retry {
			t.Errorf("looks again after %s", next)
		}
	}
	if err := w.Create(t.Context(), pipeline()); err != nil {
		t.Fatal(err)
	}
	w.at(6, "settings")
	w.want("settings", "uid-a@104 ConfigMap a was added: 2")
	w.wantTold()
}

// A suspended Trigger watches nothing, and what changes until it is resumed starts
// nothing.
func TestSuspend(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.begin("settings")
	w.edit("settings", func(s *v1alpha1.TriggerSpec) { s.Suspend = true })
	w.at(2, "settings")
	w.wantWatching()
	w.put("a", "1", true)
	w.edit("settings", func(s *v1alpha1.TriggerSpec) { s.Suspend = false })
	w.begin("settings")
	w.want("settings")
	w.put("a", "2", true)
	w.at(4, "settings")
	w.want("settings", "uid-a@102 ConfigMap a was updated: 2")
}

// One watch of a place is enough for its Triggers, keeps what they need, and ends with
// the last of them.
func TestWatches(t *testing.T) {
	slim := settings(func(s *v1alpha1.TriggerSpec) { s.Params["value"] = "object.metadata.name" })
	whole := settings()
	whole.Name = "whole"
	elsewhere := settings(func(s *v1alpha1.TriggerSpec) { s.Params["value"] = "event" })
	elsewhere.Namespace, elsewhere.Name = "other", "elsewhere"
	w := newWorld(t, pipeline(), slim, whole, elsewhere)
	w.begin("settings")
	w.wantWatching("ci/configmaps metadata")
	w.at(-1, "whole")
	w.wantWatching("ci/configmaps metadata", "ci/configmaps whole")
	w.put("a", "1", false)
	w.list()
	w.at(-1, "settings")
	w.at(-1, "whole")
	w.wantWatching("ci/configmaps whole")
	w.want("settings", "uid-a@101 ConfigMap a was updated: a")
	w.edit("whole", func(s *v1alpha1.TriggerSpec) { s.Params["value"] = "event" })
	w.at(-1, "whole")
	w.list()
	w.wantWatching("ci/configmaps metadata")
	w.edit("whole", func(s *v1alpha1.TriggerSpec) { s.Params["value"] = "object.data.value" })
	w.at(-1, "whole")
	w.list()
	w.wantWatching("ci/configmaps whole")
	w.edit("whole", func(s *v1alpha1.TriggerSpec) {
		s.Resource = nil
		s.Schedule = &v1alpha1.Schedule{Cron: "@daily"}
		s.Params = nil
	})
	w.at(-1, "whole")
	w.list()
	w.wantWatching("ci/configmaps metadata")
	if got := w.trigger("whole").Status.Resource; got != nil {
		t.Errorf("without objects the status is %+v", got)
	}
	if err := w.Delete(t.Context(), slim); err != nil {
		t.Fatal(err)
	}
	w.at(-1, "settings")
	w.wantWatching()
}

// What keeps objects from being watched is told in the API server's words, once, and
// heals.
func TestFailures(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", errors.New("no rights"))
	failed := func(err error) func(*world) {
		return func(w *world) {
			for s := range w.watching {
				s.to.failed(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		kind  string
		does  func(*world)
		want  v1alpha1.ResourceFailure
		again time.Duration
		heal  func(*world)
	}{
		"no rights": {
			"ConfigMap", failed(forbidden),
			v1alpha1.ResourceFailure{Reason: "WatchFailed", Message: "configmaps is forbidden: no rights: list the kind in triggers.resources of KayCI's chart"},
			0, failed(nil),
		},
		"a kind that is gone": {
			"ConfigMap", failed(apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, "")),
			v1alpha1.ResourceFailure{Reason: "KindNotFound", Message: `configmaps "" not found`},
			0, failed(nil),
		},
		"no such kind": {
			"Widget", func(*world) {},
			v1alpha1.ResourceFailure{Reason: "KindNotFound", Message: "the API server serves no kind Widget of v1: correct it, or install what brings it"},
			retryKind,
			func(w *world) { w.mapper.Add(corev1.SchemeGroupVersion.WithKind("Widget"), meta.RESTScopeNamespace) },
		},
		"no namespace": {
			"Node", func(*world) {},
			v1alpha1.ResourceFailure{Reason: "KindNotNamespaced", Message: "a Node lives in no namespace, and a Trigger is about objects of its own"},
			retryKind, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, pipeline(), settings(func(s *v1alpha1.TriggerSpec) { s.Resource.Kind = tt.kind }))
			w.at(-1, "settings")
			tt.does(w)
			for range 2 {
				if next := w.at(-1, "settings"); next != tt.again {
					t.Errorf("looks again after %s", next)
				}
			}
			want := &v1alpha1.ResourceStatus{APIVersion: "v1", Kind: tt.kind, Failure: &tt.want}
			if diff := cmp.Diff(want, w.trigger("settings").Status.Resource); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if n := w.written(); n != 1 {
				t.Errorf("wrote %d times", n)
			}
			if tt.heal == nil {
				return
			}
			tt.heal(w)
			w.begin("settings")
			if got := w.trigger("settings").Status.Resource; got.Failure != nil || got.Version != "100" {
				t.Errorf("healed, the status is %+v", got)
			}
		})
	}
}

// wantWatching waits until these informers run, and no others.
func (w *world) wantWatching(want ...string) {
	w.t.Helper()
	var diff string
	if wait.PollUntilContextTimeout(w.t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
		var got []string
		for s := range w.watching {
			select {
			case <-s.ended:
				delete(w.watching, s)
			default:
				got = append(got, s.name())
			}
		}
		slices.Sort(got)
		diff = cmp.Diff(want, got, cmpopts.EquateEmpty())
		return diff == "", nil
	}) != nil {
		w.t.Errorf("watches (-want +got):\n%s", diff)
	}
}
