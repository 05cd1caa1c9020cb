package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// observe fills in what the informer cache knows. The objects are the cache's
// own and must not be changed.
func (a Applier) observe(ctx context.Context, in Input) (Input, error) {
	var (
		pipelines v1alpha1.PipelineList
		triggers  v1alpha1.TriggerList
		repos     v1alpha1.ConfigRepoList
	)
	for _, list := range []client.ObjectList{&pipelines, &triggers, &repos} {
		if err := a.Client.List(ctx, list, client.InNamespace(in.Namespace), client.UnsafeDisableDeepCopy); err != nil {
			return in, fmt.Errorf("list the namespace's objects: %w", err)
		}
	}
	in.Live = map[Key]metav1.Object{}
	for i := range pipelines.Items {
		p := &pipelines.Items[i]
		in.Live[Key{Kind: v1alpha1.PipelineKind, Name: p.Name}] = p
	}
	for i := range triggers.Items {
		t := &triggers.Items[i]
		in.Live[Key{Kind: v1alpha1.TriggerKind, Name: t.Name}] = t
	}
	in.Repos = map[string][]string{}
	for i := range repos.Items {
		in.Repos[repos.Items[i].Name] = repos.Items[i].Spec.Adopt
	}
	var err error
	in.Busy, err = a.busy(ctx, in)
	return in, err
}

// liveObjects reads the metadata of those objects that exist, with their
// managed fields, which the cache doesn't keep.
func (a Applier) liveObjects(ctx context.Context, namespace string, keys sets.Set[Key]) (map[Key]*metav1.PartialObjectMetadata, error) {
	objects := make(map[Key]*metav1.PartialObjectMetadata, len(keys))
	for key := range keys {
		meta := &metav1.PartialObjectMetadata{}
		meta.SetGroupVersionKind(v1alpha1.GroupVersion().WithKind(key.Kind))
		err := a.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: key.Name}, meta)
		switch {
		case err == nil:
			objects[key] = meta
		case !apierrors.IsNotFound(err):
			return nil, fmt.Errorf("read %s: %w", key, err)
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
