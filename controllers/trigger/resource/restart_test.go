package resource

import (
	"errors"
	"testing"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
)

// What changes while nobody watches has its Run afterwards, and nothing else has another.
func TestRestart(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.put("a", "1", false)
	w.put("b", "1", false)
	w.begin("settings")
	w.put("a", "2", true)
	w.at(2, "settings")
	w.put("b", "2", true)
	w.at(4, "settings")
	w.restart()
	w.begin("settings")
	w.want("settings", "uid-a@103 ConfigMap a was updated: 2")
	w.clock.SetTime(second(11))
	w.put("c", "1", false)
	w.remove("a", false)
	w.restart()
	w.begin("settings")
	w.want("settings", "uid-a@103 ConfigMap a was updated: 2")
	w.at(13, "settings")
	w.at(24, "settings")
	w.want("settings", "uid-a@103 ConfigMap a was updated: 2", "uid-b@104 ConfigMap b was updated: 2", "uid-c@105 ConfigMap c was added: 1")
	w.written()
	w.restart()
	w.begin("settings")
	if n := w.written(); n != 0 {
		t.Errorf("a restart wrote %d times", n)
	}
	w.wantTold()
}

// Objects that are added at once and wait for their Runs count as added after a restart,
// though the mark is noted later.
func TestRestartWhileNewObjectsWait(t *testing.T) {
	w := newWorld(t, pipeline(), settings(func(s *v1alpha1.TriggerSpec) { s.Resource.Events = []v1alpha1.ResourceEvent{v1alpha1.ResourceAdded} }))
	w.begin("settings")
	for _, name := range []string{"a", "b", "c"} {
		w.put(name, "1", true)
		w.at(-1, "settings")
	}
	w.clock.SetTime(second(11))
	for range 2 {
		w.restart()
		w.begin("settings")
		w.clock.SetTime(w.clock.Now().Add(10 * time.Second))
	}
	w.want("settings", "uid-a@101 ConfigMap a was added: 1", "uid-b@102 ConfigMap b was added: 1", "uid-c@103 ConfigMap c was added: 1")
}

// A crash between a Run's start and its record makes no second Run.
func TestCrash(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.begin("settings")
	w.put("a", "1", true)
	w.failStatus = errors.New("the API server is away")
	if _, err := w.look("settings"); err == nil {
		t.Error("a status that can't be written is no error")
	}
	w.restart()
	w.begin("settings")
	w.put("b", "1", true)
	w.failCreate = errors.New("the API server is away")
	w.clock.SetTime(second(20))
	if _, err := w.look("settings"); err == nil {
		t.Error("a Run that can't be created is no error")
	}
	w.at(21, "settings")
	w.want("settings", "uid-a@101 ConfigMap a was added: 1", "uid-b@102 ConfigMap b was added: 1")
}

// What started no Run starts none after a restart, though the mark is stored seldom: it
// is when KayCI ends, and some minutes after it has moved.
func TestRestartAfterWhatWasIgnored(t *testing.T) {
	later := func(w *world) {
		w.clock.SetTime(second(2).Add(saving))
		w.at(-1, "settings")
	}
	for name, tt := range map[string]struct {
		ends        func(*world)
		wrote, runs int
	}{
		"the replica ends": {func(w *world) { w.stop() }, 1, 0},
		"minutes later":    {later, 1, 0},
		"it crashes":       {func(*world) {}, 0, 1},
		"it crashes right after the next change": {func(w *world) {
			later(w)
			w.put("a", "1", true)
			w.at(-1, "settings")
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, pipeline(), settings(func(s *v1alpha1.TriggerSpec) {
				s.Resource.If = "oldObject == null || object.data.value != oldObject.data.value"
			}))
			w.put("a", "1", false)
			w.begin("settings")
			w.put("a", "1", true)
			if next := w.at(2, "settings"); next != saving-time.Second {
				t.Errorf("looks again after %s", next)
			}
			w.want("settings")
			w.written()
			tt.ends(w)
			if n := w.written(); n != tt.wrote {
				t.Errorf("wrote %d times", n)
			}
			w.restart()
			w.begin("settings")
			if got := len(w.runs("settings")); got != tt.runs {
				t.Errorf("%d Runs, want %d", got, tt.runs)
			}
		})
	}
}

// A replica that ends writes nothing for what is settled.
func TestEnd(t *testing.T) {
	w := newWorld(t, pipeline(), settings())
	w.begin("settings")
	w.put("a", "1", true)
	w.at(2, "settings")
	w.written()
	w.stop()
	if n := w.written(); n != 0 {
		t.Errorf("wrote %d times", n)
	}
}
