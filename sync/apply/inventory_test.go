package apply

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestInventory(t *testing.T) {
	web, push := Key{v1alpha1.PipelineKind, "web"}, Key{v1alpha1.TriggerKind, "push"}
	inv := inventoryOf(&v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{
		{Kind: "Pipeline", Name: "web", Generation: 1, Digest: "d1"},
	}})
	changes := []Change{{Desired: Desired{Key: push, Digest: "t1"}}, {Desired: Desired{Key: web, Digest: "d2"}}}
	if !inv.announce(changes) {
		t.Error("a new object was not announced")
	}
	if inv.announce(changes) {
		t.Error("the same objects were announced twice")
	}
	announced := &v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{
		{Kind: "Pipeline", Name: "web", Generation: 1, Digest: "d1"},
		{Kind: "Trigger", Name: "push"},
	}}
	if diff := cmp.Diff(announced, inv.stored()); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	inv.record(changes[0].Desired, &metav1.ObjectMeta{UID: "u1", Generation: 4})
	recorded := &v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{
		{Kind: "Pipeline", Name: "web", Generation: 1, Digest: "d1"},
		{Kind: "Trigger", Name: "push", UID: "u1", Generation: 4, Digest: "t1"},
	}}
	if diff := cmp.Diff(recorded, inv.stored()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&v1alpha1.Inventory{Entries: []v1alpha1.InventoryEntry{}}, inventoryOf(nil).stored()); diff != "" {
		t.Errorf("empty (-want +got):\n%s", diff)
	}
}

func TestPrunesMost(t *testing.T) {
	tests := []struct {
		pruned, of int
		want       bool
	}{{0, 0, false}, {1, 1, false}, {1, 2, false}, {2, 4, false}, {2, 3, true}, {3, 5, true}, {5, 10, false}, {6, 10, true}}
	for _, test := range tests {
		inv := inventory{}
		for i := range test.of {
			inv[Key{v1alpha1.PipelineKind, strconv.Itoa(i)}] = v1alpha1.InventoryEntry{}
		}
		if got := prunesMost(make([]Key, test.pruned), inv); got != test.want {
			t.Errorf("%d of %d: got %v", test.pruned, test.of, got)
		}
	}
}

// What a commit has given up before, and only waits, isn't refused again.
func TestNewlyUnwanted(t *testing.T) {
	key := func(name string) Key { return Key{v1alpha1.PipelineKind, name} }
	waiting := v1alpha1.InventoryEntry{UnwantedSince: &metav1.Time{Time: time.Unix(1, 0)}}
	inv := inventory{key("a"): {}, key("b"): {}, key("c"): waiting, key("d"): waiting}
	plan := Plan{Prune: []Key{key("a"), key("c")}, Await: []Wait{{Key: key("b"), Fresh: true}, {Key: key("d")}}}
	if diff := cmp.Diff([]Key{key("a"), key("b")}, plan.newlyUnwanted(inv)); diff != "" {
		t.Errorf("newly unwanted (-want +got):\n%s", diff)
	}
}
