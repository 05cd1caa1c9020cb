package run

import (
	"maps"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// afterConflict is how long to wait for the cache after a conflict.
const afterConflict = 100 * time.Millisecond

// remembered is how long an own write counts as more than what the cache says.
// A cache is behind by milliseconds.
const remembered = 5 * time.Second

// recent remembers what this process has just written, until the cache shows
// it. It only saves requests: without it a reconcile that reads too early would
// write the same again, meet a conflict or ask the API server.
type recent struct {
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

func (r *recent) put(now time.Time, obj client.Object) {
	copied, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.written == nil {
		r.written = map[objectKey]write{}
	}
	if now.Sub(r.swept) > remembered {
		maps.DeleteFunc(r.written, func(_ objectKey, w write) bool { return now.Sub(w.at) > remembered })
		r.swept = now
	}
	r.written[keyOf(obj)] = write{obj: copied, at: now}
}

// newer returns the cached object, or what was written of it if that is newer.
func newer[T client.Object](r *recent, now time.Time, cached T) T {
	own, ok := find(r, now, cached)
	if !ok || own.GetUID() != cached.GetUID() {
		return cached
	}
	order, err := resourceversion.CompareResourceVersion(own.GetResourceVersion(), cached.GetResourceVersion())
	if err != nil || order <= 0 {
		return cached
	}
	return own
}

// find returns what was written lately of the object with this one's name.
func find[T client.Object](r *recent, now time.Time, named T) (T, bool) {
	var none T
	r.mu.Lock()
	w, known := r.written[keyOf(named)]
	r.mu.Unlock()
	if !known || now.Sub(w.at) > remembered {
		return none, false
	}
	own, ok := w.obj.DeepCopyObject().(T)
	return own, ok
}
