package resource

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// hearing tells the readers of a place what one of its watches hears.
type hearing struct {
	watches *watches
	at      place
	watch   *watch
}

// tell has the readers take what was heard, if anybody still asks for it, and wakes those
// that have to look. What a watch says of its end is nothing to anybody.
func (h *hearing) tell(take func(*watched) []types.NamespacedName) {
	h.watches.mu.Lock()
	var woken []types.NamespacedName
	if known := h.watches.known[h.at]; known != nil && !h.watches.stopped && (known.current == h.watch || known.next == h.watch) {
		woken = take(known)
	}
	h.watches.mu.Unlock()
	for _, name := range woken {
		h.watches.wake(name)
	}
}

func (k *watched) names() []types.NamespacedName {
	return slices.Collect(maps.Keys(k.readers))
}

// listed has the watch take the place of the one before it, which may have heard less:
// all is compared with the marks.
func (h *hearing) listed() {
	h.tell(func(known *watched) []types.NamespacedName {
		if known.next != h.watch {
			return nil
		}
		if known.current != nil {
			known.current.cancel()
		}
		known.current, known.next = h.watch, nil
		for _, r := range known.readers {
			r.seeded = false
		}
		return known.names()
	})
}

func (h *hearing) changed(event v1alpha1.ResourceEvent, object, old metav1.Object) {
	now := h.watches.clock.Now()
	h.tell(func(known *watched) []types.NamespacedName {
		var woken []types.NamespacedName
		for name, r := range known.readers {
			if known.current == h.watch && (h.watch.whole || !r.uses.Whole) && r.hear(event, object, old, now) {
				woken = append(woken, name)
			}
		}
		return woken
	})
}

func (h *hearing) failed(err error) {
	h.tell(func(known *watched) []types.NamespacedName {
		was := known.err
		known.err = err
		if was == nil && err == nil || was != nil && err != nil && was.Error() == err.Error() {
			return nil
		}
		return known.names()
	})
}
