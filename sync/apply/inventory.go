package apply

import (
	"cmp"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Key names an object within the ConfigRepo's namespace.
type Key struct {
	Kind, Name string
}

// String returns Kind/name.
func (k Key) String() string { return k.Kind + "/" + k.Name }

// byKey orders Pipelines before Triggers, and each by name: a Trigger is only
// of use once its Pipeline is there.
func byKey(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// inventory is v1alpha1.Inventory by key.
type inventory map[Key]v1alpha1.InventoryEntry

func inventoryOf(stored *v1alpha1.Inventory) inventory {
	inv := inventory{}
	if stored == nil {
		return inv
	}
	for _, e := range stored.Entries {
		inv[Key{Kind: e.Kind, Name: e.Name}] = e
	}
	return inv
}

// stored returns the inventory as it stands in a status: sorted, so that equal
// inventories are equal values.
func (inv inventory) stored() *v1alpha1.Inventory {
	entries := make([]v1alpha1.InventoryEntry, 0, len(inv))
	for _, k := range slices.SortedFunc(maps.Keys(inv), byKey) {
		entries = append(entries, inv[k])
	}
	return &v1alpha1.Inventory{Entries: entries}
}

// announce adds entries for objects that aren't tracked yet. Their digest is
// blank: whatever becomes of the apply, they are never taken for applied.
func (inv inventory) announce(changes []Change) (added bool) {
	for _, c := range changes {
		if _, tracked := inv[c.Key]; tracked {
			continue
		}
		inv[c.Key] = v1alpha1.InventoryEntry{Kind: c.Key.Kind, Name: c.Key.Name}
		added = true
	}
	return added
}

// mark notes since when Pipelines wait to be pruned, and which objects don't.
func (inv inventory) mark(plan Plan, now time.Time) {
	for _, w := range plan.Await {
		if w.Fresh {
			entry := inv[w.Key]
			entry.UnwantedSince = &metav1.Time{Time: now.Truncate(time.Second)}
			inv[w.Key] = entry
		}
	}
	for _, key := range plan.Keep {
		entry := inv[key]
		entry.UnwantedSince = nil
		inv[key] = entry
	}
}

// record notes that an object was applied, and what it was then.
func (inv inventory) record(d Desired, got metav1.Object) {
	inv[d.Key] = v1alpha1.InventoryEntry{
		Kind: d.Key.Kind, Name: d.Key.Name, Digest: d.Digest,
		UID: got.GetUID(), Generation: got.GetGeneration(),
	}
}
