package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// liveObjects reads the metadata of those objects that exist, with their managed
// fields, which the cache doesn't keep. It reads each, or all of the namespace, of
// which there are about as many as known, if that is less work.
func (a Applier) liveObjects(ctx context.Context, namespace string, keys sets.Set[Key], known int) (map[Key]*metav1.PartialObjectMetadata, error) {
	sorted := slices.SortedFunc(maps.Keys(keys), byKey)
	if len(keys) > fewReads && known < readsPerList*len(keys) {
		return a.listObjects(ctx, namespace, sorted)
	}
	found := make([]*metav1.PartialObjectMetadata, len(sorted))
	err := each(len(sorted), func(i int) (err error) {
		found[i], err = a.liveObject(ctx, namespace, sorted[i])
		return err
	})
	objects := make(map[Key]*metav1.PartialObjectMetadata, len(keys))
	for i, object := range found {
		if object != nil {
			objects[sorted[i]] = object
		}
	}
	return objects, err
}

const (
	// fewReads are no reason for a list, and a list of fewer than readsPerList objects
	// is less work than one read.
	fewReads     = 20
	readsPerList = 4
	// pageOfList bounds an answer: an object's metadata is a few kilobytes, mostly.
	pageOfList = 500
)

// liveObject is nil if there is no such object.
func (a Applier) liveObject(ctx context.Context, namespace string, key Key) (*metav1.PartialObjectMetadata, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(key.Kind))
	err := a.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: key.Name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // that there is none is a usual answer
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return object, nil
}

func (a Applier) listObjects(ctx context.Context, namespace string, sorted []Key) (map[Key]*metav1.PartialObjectMetadata, error) {
	objects := make(map[Key]*metav1.PartialObjectMetadata, len(sorted))
	wanted := sets.New(sorted...)
	kinds := sets.New[string]()
	for _, key := range sorted {
		kinds.Insert(key.Kind)
	}
	for _, kind := range sets.List(kinds) {
		page := &metav1.PartialObjectMetadataList{}
		for more := true; more; more = page.Continue != "" {
			next := page.Continue
			page = &metav1.PartialObjectMetadataList{}
			page.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind + "List"))
			err := a.Live.List(ctx, page, client.InNamespace(namespace), client.Limit(pageOfList), client.Continue(next))
			if err != nil {
				return nil, fmt.Errorf("list the namespace's %ss: %w", kind, err)
			}
			for i := range page.Items {
				object := &page.Items[i]
				if key := (Key{Kind: kind, Name: object.Name}); wanted.Has(key) {
					object.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(kind))
					objects[key] = object
				}
			}
		}
	}
	return objects, nil
}

func asObjects(live map[Key]*metav1.PartialObjectMetadata) map[Key]metav1.Object {
	objects := make(map[Key]metav1.Object, len(live))
	for key, object := range live {
		objects[key] = object
	}
	return objects
}
