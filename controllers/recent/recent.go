// Package recent remembers what this process has just written, until the cache
// shows it. It only saves requests: a reconcile that reads too early would write
// the same again, meet a conflict or ask the API server. Nothing may rest on it.
package recent

import (
	"maps"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Remembered is how long an own write counts as more than what the cache says.
// A cache is behind by milliseconds. Whoever acts on a write that the cache
// doesn't show has to look again after this time: the object may be gone.
const Remembered = 5 * time.Second

// Writes are the latest writes of a process. The zero value is ready, and safe
// for concurrent use.
type Writes struct {
	mu      sync.Mutex
	written map[objectKey]write
	swept   time.Time
}

type objectKey struct {
	kind reflect.Type
	name types.NamespacedName
}

type write struct {
	obj client.Object
	at  time.Time
}

func keyOf(obj client.Object) objectKey {
	return objectKey{reflect.TypeOf(obj), client.ObjectKeyFromObject(obj)}
}

// Put remembers the object as the API server has answered it.
func (w *Writes) Put(now time.Time, obj client.Object) {
	copied, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.written == nil {
		w.written = map[objectKey]write{}
	}
	if now.Sub(w.swept) > Remembered {
		maps.DeleteFunc(w.written, func(_ objectKey, old write) bool { return now.Sub(old.at) > Remembered })
		w.swept = now
	}
	w.written[keyOf(obj)] = write{obj: copied, at: now}
}

// Forget forgets what was written of the object: it was deleted.
func (w *Writes) Forget(obj client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.written, keyOf(obj))
}

// Newer returns the cached object, or what was written of it if that is newer.
func Newer[T client.Object](w *Writes, now time.Time, cached T) T {
	own, ok := w.last(now, cached)
	if !ok || own.GetUID() != cached.GetUID() {
		return cached
	}
	order, err := resourceversion.CompareResourceVersion(own.GetResourceVersion(), cached.GetResourceVersion())
	if err != nil || order <= 0 {
		return cached
	}
	if newer, ok := own.DeepCopyObject().(T); ok {
		return newer
	}
	return cached
}

// Find returns what was written lately of the object with this one's name.
func Find[T client.Object](w *Writes, now time.Time, named T) (T, bool) {
	var none T
	last, ok := w.last(now, named)
	if !ok {
		return none, false
	}
	own, ok := last.DeepCopyObject().(T)
	return own, ok
}

// last is what is remembered of the object with this one's name. It may not be
// changed: whoever gets it gets a copy.
func (w *Writes) last(now time.Time, named client.Object) (client.Object, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, known := w.written[keyOf(named)]
	return last.obj, known && now.Sub(last.at) <= Remembered
}
