package apply

import (
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Input is all that a plan is made from.
type Input struct {
	// Namespace and Repo name the ConfigRepo.
	Namespace, Repo string
	// Repos are the ConfigRepos that exist in the namespace, each with those whose
	// objects it may take over.
	Repos map[string][]string
	// Prune allows deleting what isn't desired any more.
	Prune bool
	// AllowPrune allows deleting most of what there is.
	AllowPrune bool
	// Desired is what was rendered.
	Desired []Desired
	// Inventory is what was applied before.
	Inventory *v1alpha1.Inventory
	// Live are the namespace's Pipelines and Triggers.
	Live map[Key]metav1.Object
	// Busy are Pipelines that are not to be pruned yet, as far as they may be pruned.
	Busy map[Key]Hold
	// Patience is how long such a Pipeline waits, from when it is first found not to be
	// desired.
	Patience time.Duration
	// Now is the time.
	Now time.Time
}

// Cause says why an object has to be applied.
type Cause string

// The causes.
const (
	// Missing: there is no such object, and never was or was deleted by hand.
	Missing Cause = "Missing"
	// Adopted: the object is there and isn't in the inventory, or belongs to a
	// ConfigRepo that hands it over.
	Adopted Cause = "Adopted"
	// Changed: something else is rendered than was applied.
	Changed Cause = "Changed"
	// Drifted: somebody else has changed the object since it was applied, or has
	// made it anew.
	Drifted Cause = "Drifted"
)

// Change is an object that has to be applied, and why.
type Change struct {
	Desired
	Cause Cause
}

// Hold is what keeps a Pipeline from being pruned.
type Hold string

// The holds.
const (
	// HoldRuns: Runs that are active.
	HoldRuns Hold = "Runs"
	// HoldJobs: Jobs of Runs that have ended, those of notifiers included.
	HoldJobs Hold = "Jobs"
)

// Wait is a Pipeline that is to be pruned and has to wait.
type Wait struct {
	Key
	// Hold is what for.
	Hold Hold
	// Until is when it is pruned at the latest.
	Until time.Time
	// Fresh: nobody has recorded yet that it waits.
	Fresh bool
}

// Plan says what a sync has to do. Objects that are in none of its lists are as
// they should be.
type Plan struct {
	// Apply creates or changes objects: Pipelines, then Triggers.
	Apply []Change
	// Prune deletes objects: Triggers, then Pipelines.
	Prune []Key
	// Await are Pipelines that are pruned later.
	Await []Wait
	// Keep are objects that were to be pruned and aren't any more.
	Keep []Key
	// Forget drops entries from the inventory whose object is gone or belongs to
	// somebody else now.
	Forget []Key
	// Refused are objects that must not be touched. If there are any, nothing is.
	Refused []Fault
}

// Make decides what to do.
func Make(in Input) Plan {
	inv := inventoryOf(in.Inventory)
	var plan Plan
	wanted := sets.New[Key]()
	for _, d := range in.Desired {
		wanted.Insert(d.Key)
		entry, tracked := inv[d.Key]
		switch owner := otherOwner(in, d.Key); {
		case owner == "":
		case slices.Contains(in.Repos[owner], in.Repo):
			// It was handed over, and is none of this ConfigRepo's business any more.
			if tracked {
				plan.Forget = append(plan.Forget, d.Key)
			}
			continue
		case !slices.Contains(in.Repos[in.Repo], owner):
			plan.Refused = append(plan.Refused, Fault{
				File: d.File, Key: d.Key,
				Message: fmt.Sprintf("belongs to ConfigRepo %q; an object can come from one ConfigRepo only, unless this one's spec.adopt names the other", owner),
			})
			continue
		}
		if cause := causeOf(in, d, entry, tracked); cause != "" {
			plan.Apply = append(plan.Apply, Change{Desired: d, Cause: cause})
		} else if entry.UnwantedSince != nil {
			plan.Keep = append(plan.Keep, d.Key)
		}
	}
	for key, entry := range inv {
		if !wanted.Has(key) {
			plan.release(in, key, entry)
		}
	}
	plan.sort()
	return plan
}

// otherOwner returns the ConfigRepo that the object belongs to, if that is
// another one that exists. What a deleted ConfigRepo has left may be adopted.
func otherOwner(in Input, key Key) string {
	live, exists := in.Live[key]
	if !exists {
		return ""
	}
	owner := live.GetLabels()[v1alpha1.ConfigRepoLabel]
	if _, there := in.Repos[owner]; owner == in.Repo || !there {
		return ""
	}
	return owner
}

func causeOf(in Input, d Desired, entry v1alpha1.InventoryEntry, tracked bool) Cause {
	live, exists := in.Live[d.Key]
	switch {
	case !exists:
		return Missing
	case !tracked, otherOwner(in, d.Key) != "":
		return Adopted
	case entry.Digest != d.Digest:
		return Changed
	case entry.UID != live.GetUID(),
		entry.Generation != live.GetGeneration(),
		!contains(live.GetLabels(), d.Config.GetLabels()),
		!contains(live.GetAnnotations(), d.Config.GetAnnotations()):
		return Drifted
	default:
		return ""
	}
}

// contains ignores what is in set alone: labels and annotations that others add
// are theirs.
func contains(set, subset map[string]string) bool {
	for name, value := range subset {
		if got, ok := set[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// release decides about an object that is in the inventory and isn't rendered.
// Only one that still carries the ConfigRepo's label is its own. Without prune
// it stays tracked, and is deleted once prune is turned on. Triggers go at once, so
// that they start no more Runs of a Pipeline that waits for those that it has.
func (p *Plan) release(in Input, key Key, entry v1alpha1.InventoryEntry) {
	live, exists := in.Live[key]
	switch until := in.until(entry); {
	case !exists || live.GetLabels()[v1alpha1.ConfigRepoLabel] != in.Repo:
		p.Forget = append(p.Forget, key)
	case in.Prune && in.Busy[key] != "" && in.Now.Before(until):
		p.Await = append(p.Await, Wait{Key: key, Hold: in.Busy[key], Until: until, Fresh: entry.UnwantedSince == nil})
	case in.Prune:
		p.Prune = append(p.Prune, key)
	case entry.UnwantedSince != nil:
		p.Keep = append(p.Keep, key)
	}
}

// until is when an object that isn't desired is pruned whatever its Runs do.
func (in Input) until(entry v1alpha1.InventoryEntry) time.Time {
	since := in.Now.Truncate(time.Second)
	if entry.UnwantedSince != nil {
		since = entry.UnwantedSince.Time
	}
	return since.Add(in.Patience)
}

// unwanted returns the tracked Pipelines that aren't desired and may be pruned.
func (in Input) unwanted() []Key {
	if !in.Prune {
		return nil
	}
	keys := sets.New[Key]()
	for key := range inventoryOf(in.Inventory) {
		if key.Kind == v1alpha1.PipelineKind {
			keys.Insert(key)
		}
	}
	for _, d := range in.Desired {
		keys.Delete(d.Key)
	}
	return keys.UnsortedList()
}

func (p *Plan) sort() {
	slices.SortFunc(p.Await, func(a, b Wait) int { return byKey(a.Key, b.Key) })
	slices.SortFunc(p.Keep, byKey)
	slices.SortFunc(p.Apply, func(a, b Change) int { return byKey(a.Key, b.Key) })
	slices.SortFunc(p.Prune, func(a, b Key) int { return byKey(b, a) })
	slices.SortFunc(p.Forget, byKey)
	slices.SortFunc(p.Refused, func(a, b Fault) int { return byKey(a.Key, b.Key) })
}

// idle reports whether there is nothing to do or to refuse.
func (p *Plan) idle() bool {
	return len(p.Apply)+len(p.Prune)+len(p.Keep)+len(p.Forget)+len(p.Refused) == 0 &&
		!slices.ContainsFunc(p.Await, func(w Wait) bool { return w.Fresh })
}

// newlyUnwanted returns the objects that are to be pruned, at once or later, and
// that no commit before has given up.
func (p *Plan) newlyUnwanted(inv inventory) []Key {
	keys := slices.Clone(p.Prune)
	for _, w := range p.Await {
		keys = append(keys, w.Key)
	}
	return slices.DeleteFunc(keys, func(key Key) bool { return inv[key].UnwantedSince != nil })
}

// prunesMost reports whether more than half of the objects would go, and more
// than one: a renamed folder or a file that is left out is more likely than the
// wish to.
func prunesMost(gone []Key, inv inventory) bool {
	return len(gone) > 1 && 2*len(gone) > len(inv)
}

// touched returns the objects that the plan is about: those whose live state has
// to be known before anything is done.
func (p *Plan) touched() sets.Set[Key] {
	keys := sets.New(p.Prune...)
	keys.Insert(p.Forget...)
	keys.Insert(p.Keep...)
	for _, w := range p.Await {
		keys.Insert(w.Key)
	}
	for _, c := range p.Apply {
		keys.Insert(c.Key)
	}
	for _, f := range p.Refused {
		keys.Insert(f.Key)
	}
	return keys
}

// with returns the input with fresh as the state of keys: one that isn't in
// fresh doesn't exist.
func (in Input) with(keys sets.Set[Key], fresh map[Key]metav1.Object) Input {
	live := maps.Clone(in.Live)
	for key := range keys {
		delete(live, key)
	}
	maps.Copy(live, fresh)
	in.Live = live
	return in
}
