package resource

import (
	"context"
	"errors"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"

	"github.com/kayci/kayci/api/v1alpha1"
)

// listPause is how often to see whether the first list has come.
const listPause = 20 * time.Millisecond

// clients read objects of any kind.
type clients struct {
	whole dynamic.Interface
	slim  metadata.Interface
}

// shared is an informer of client-go's.
type shared struct {
	cache.SharedIndexInformer
	to listener
}

// inform returns an informer of a place that hasn't begun.
func (c clients) inform(at place, whole bool, to listener) informer {
	resource := schema.GroupVersionResource{Group: at.kind.Group, Version: at.kind.Version, Resource: at.resource}
	if whole {
		objects := c.whole.Resource(resource).Namespace(at.namespace)
		return newShared(c.whole, &unstructured.Unstructured{}, to, &cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
				return objects.List(ctx, options)
			},
			WatchFuncWithContext: objects.Watch,
		})
	}
	objects := c.slim.Resource(resource).Namespace(at.namespace)
	return newShared(c.slim, &metav1.PartialObjectMetadata{}, to, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: objects.Watch,
	})
}

func newShared(client any, example runtime.Object, to listener, from *cache.ListWatch) *shared {
	begin := from.WatchFuncWithContext
	from.WatchFuncWithContext = func(ctx context.Context, options metav1.ListOptions) (apiwatch.Interface, error) {
		begun, err := begin(ctx, options)
		if err == nil {
			to.failed(nil)
		}
		return begun, err
	}
	s := &shared{cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(from, client), example, 0, cache.Indexers{}), to}
	// These fail for an informer that has begun alone.
	_ = s.SetTransform(strip)
	_ = s.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if told := inWords(err); told != nil {
			to.failed(told)
		}
	})
	_, _ = s.AddEventHandler(s)
	return s
}

// strip drops what no expression is about and takes the most room.
func strip(object any) (any, error) {
	if described, err := meta.Accessor(object); err == nil {
		described.SetManagedFields(nil)
	}
	return object, nil
}

// inWords is what the API server says why there is no watch. nil: that it passes is
// usual.
func inWords(err error) error {
	if _, unreached := errors.AsType[*url.Error](err); unreached || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsTooManyRequests(err) {
		return nil
	}
	if said, is := errors.AsType[*apierrors.StatusError](err); is {
		return said
	}
	return err
}

func (s *shared) run(ctx context.Context) {
	var waiting wait.Group
	waiting.StartWithContext(ctx, func(ctx context.Context) {
		listed := func(context.Context) (bool, error) { return s.HasSynced() && s.LastSyncResourceVersion() != "", nil }
		if wait.PollUntilContextCancel(ctx, listPause, true, listed) == nil {
			s.to.listed()
		}
	})
	s.RunWithContext(ctx)
	waiting.Wait()
}

// objects reads the version first: an object may be later then, and waits to be heard of.
func (s *shared) objects() (found []metav1.Object, version string) {
	version = s.LastSyncResourceVersion()
	for _, stored := range s.GetStore().List() {
		if object, is := stored.(metav1.Object); is {
			found = append(found, object)
		}
	}
	return found, version
}

// OnAdd is called for what the first list has, too, which is compared with the marks.
func (s *shared) OnAdd(added any, isInInitialList bool) {
	if object, is := added.(metav1.Object); is && !isInInitialList {
		s.to.changed(v1alpha1.ResourceAdded, object, nil)
	}
}

// OnUpdate is called with what a list shows anew, too.
func (s *shared) OnUpdate(before, after any) {
	old, is := before.(metav1.Object)
	object, are := after.(metav1.Object)
	switch {
	case !is || !are || old.GetResourceVersion() == object.GetResourceVersion():
	case old.GetUID() != object.GetUID():
		s.to.changed(v1alpha1.ResourceDeleted, old, nil)
		s.to.changed(v1alpha1.ResourceAdded, object, nil)
	default:
		s.to.changed(v1alpha1.ResourceUpdated, object, old)
	}
}

// OnDelete may come late, with the object as it was known last.
func (s *shared) OnDelete(deleted any) {
	if unseen, is := deleted.(cache.DeletedFinalStateUnknown); is {
		deleted = unseen.Obj
	}
	if object, is := deleted.(metav1.Object); is {
		s.to.changed(v1alpha1.ResourceDeleted, object, nil)
	}
}

// content is an object as expressions see it.
func content(object metav1.Object, kind schema.GroupVersionKind) (map[string]any, error) {
	if object == nil {
		return nil, nil
	}
	if whole, is := object.(*unstructured.Unstructured); is {
		return whole.Object, nil
	}
	found, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	found["apiVersion"], found["kind"] = kind.ToAPIVersionAndKind()
	return found, nil
}
