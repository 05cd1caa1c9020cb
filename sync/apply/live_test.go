package apply_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/apply"
)

// reads counts what is read of objects' metadata.
type reads struct {
	client.Client
	one, many atomic.Int64
}

func (r *reads) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	r.one.Add(1)
	return r.Client.Get(ctx, key, o, opts...)
}

func (r *reads) List(ctx context.Context, l client.ObjectList, opts ...client.ListOption) error {
	r.many.Add(1)
	return r.Client.List(ctx, l, opts...)
}

// Objects that differ are read one by one, unless they are so many that one list is
// less work. Either way what others have claimed of them is known.
func TestManyObjectsAreListed(t *testing.T) {
	tests := map[string]struct {
		// there are so many Pipelines, of which so many change.
		there, change int
		reads, lists  int64
	}{
		"few":             {there: 20, change: 20, reads: 20},
		"a first sync":    {there: 0, change: 21, lists: 1},
		"all":             {there: 21, change: 21, lists: 1},
		"a few of many":   {there: 84, change: 21, reads: 21},
		"a third of many": {there: 83, change: 21, lists: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				first, err := s.sync(t, test.there, 0)
				if err != nil {
					t.Fatal(err)
				}
				live := &reads{Client: s.Client}
				in := apply.Input{Namespace: "ci", Repo: "mine", Inventory: first.Inventory}
				for i := range max(test.there, test.change) {
					d := named(v1alpha1.PipelineKind, fmt.Sprintf("p-%02d", i))
					if i < test.change {
						d.Digest = "d2"
						d.Config.SetAnnotations(map[string]string{"note": "2"})
					}
					in.Desired = append(in.Desired, d)
				}
				result, err := apply.Applier{Client: s.Client, Live: live}.Sync(t.Context(), in,
					func(context.Context, *v1alpha1.Inventory) error { return nil })
				if err != nil {
					t.Fatal(err)
				}
				expect(t, "reads and lists", [2]int64{test.reads, test.lists}, [2]int64{live.one.Load(), live.many.Load()})
				expect(t, "created and changed", [2]int{max(0, test.change-test.there), min(test.there, test.change)}, [2]int{result.Created, result.Changed})
			})
		})
	}
}
