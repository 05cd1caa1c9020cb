// Package shelf is a cache that keeps Jobs and pods that have ended packed, as
// package lean does it, and shows them whole.
package shelf

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/kayci/kayci/controllers/lean"
)

// NewInformer is client-go's, but for what it keeps.
func NewInformer(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	return &informer{toolscache.NewSharedIndexInformer(lw, example, resync, whole(indexers))}
}

// informer packs what comes in, and shows whole what goes out.
type informer struct {
	toolscache.SharedIndexInformer
}

// SetTransform packs what the transform returns. Some objects pass it twice.
func (i *informer) SetTransform(transform toolscache.TransformFunc) error {
	return i.SharedIndexInformer.SetTransform(func(obj any) (any, error) {
		if transform != nil {
			var err error
			if obj, err = transform(obj); err != nil {
				return nil, fmt.Errorf("keep a %T: %w", obj, err)
			}
		}
		return lean.Pack(obj), nil
	})
}

func (i *informer) AddEventHandler(h toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.SharedIndexInformer.AddEventHandler(handler{h})
}

func (i *informer) AddEventHandlerWithResyncPeriod(h toolscache.ResourceEventHandler, resync time.Duration) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.SharedIndexInformer.AddEventHandlerWithResyncPeriod(handler{h}, resync)
}

func (i *informer) AddEventHandlerWithOptions(h toolscache.ResourceEventHandler, options toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.SharedIndexInformer.AddEventHandlerWithOptions(handler{h}, options)
}

func (i *informer) AddIndexers(indexers toolscache.Indexers) error {
	return i.SharedIndexInformer.AddIndexers(whole(indexers))
}

func (i *informer) GetStore() toolscache.Store { return i.GetIndexer() }

func (i *informer) GetIndexer() toolscache.Indexer {
	return indexer{i.SharedIndexInformer.GetIndexer()}
}

// whole shows objects whole to the indexes' functions.
func whole(indexers toolscache.Indexers) toolscache.Indexers {
	shown := toolscache.Indexers{}
	for name, of := range indexers {
		shown[name] = of
		if name != toolscache.NamespaceIndex { // The namespace is seen from outside.
			shown[name] = func(obj any) ([]string, error) { return of(lean.Whole(obj)) }
		}
	}
	return shown
}

// handler shows objects whole.
type handler struct {
	to toolscache.ResourceEventHandler
}

func (h handler) OnAdd(obj any, initial bool) { h.to.OnAdd(lean.Whole(obj), initial) }

func (h handler) OnUpdate(before, after any) { h.to.OnUpdate(lean.Whole(before), lean.Whole(after)) }

func (h handler) OnDelete(obj any) {
	if lost, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		lost.Obj = lean.Whole(lost.Obj)
		h.to.OnDelete(lost)
		return
	}
	h.to.OnDelete(lean.Whole(obj))
}

// indexer shows objects whole.
type indexer struct {
	toolscache.Indexer
}

func (i indexer) List() []any { return all(i.Indexer.List()) }

func (i indexer) Get(obj any) (any, bool, error) {
	found, exists, err := i.Indexer.Get(obj)
	return lean.Whole(found), exists, err
}

func (i indexer) GetByKey(key string) (any, bool, error) {
	found, exists, err := i.Indexer.GetByKey(key)
	return lean.Whole(found), exists, err
}

func (i indexer) Index(name string, obj any) ([]any, error) {
	found, err := i.Indexer.Index(name, obj)
	return all(found), err
}

func (i indexer) ByIndex(name, value string) ([]any, error) {
	found, err := i.Indexer.ByIndex(name, value)
	return all(found), err
}

func all(found []any) []any {
	for i := range found {
		found[i] = lean.Whole(found[i])
	}
	return found
}
