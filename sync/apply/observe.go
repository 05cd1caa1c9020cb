package apply

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// observe fills in what the informer cache knows. The objects are the cache's
// own and must not be changed.
func (a Applier) observe(ctx context.Context, in Input) (Input, error) {
	in, err := a.observeObjects(ctx, in)
	if err != nil {
		return in, err
	}
	in.Busy, err = a.busy(ctx, in)
	return in, err
}

func (a Applier) observeObjects(ctx context.Context, in Input) (Input, error) {
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
	return in, nil
}
