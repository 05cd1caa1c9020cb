package apply_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/apply"
)

func pipelineKey(name string) apply.Key { return apply.Key{Kind: v1alpha1.PipelineKind, Name: name} }
func triggerKey(name string) apply.Key  { return apply.Key{Kind: v1alpha1.TriggerKind, Name: name} }

// desired is an object whose digest is d1.
func desired(key apply.Key) apply.Desired {
	config := &unstructured.Unstructured{Object: map[string]any{}}
	config.SetLabels(map[string]string{v1alpha1.ConfigRepoLabel: "mine", "team": "web"})
	config.SetAnnotations(map[string]string{"note": "1"})
	return apply.Desired{Key: key, File: "ci/web.jsonnet", Config: config, Digest: "d1"}
}

// live is an object as desired puts it there.
func live(change func(*metav1.ObjectMeta)) metav1.Object {
	o := &metav1.ObjectMeta{
		UID:         "u1",
		Generation:  3,
		Labels:      map[string]string{v1alpha1.ConfigRepoLabel: "mine", "team": "web"},
		Annotations: map[string]string{"note": "1"},
	}
	if change != nil {
		change(o)
	}
	return o
}

func entry(key apply.Key, generation int64, digest string) v1alpha1.InventoryEntry {
	return v1alpha1.InventoryEntry{Kind: key.Kind, Name: key.Name, UID: "u1", Generation: generation, Digest: digest}
}

func ownedBy(repo string) func(*metav1.ObjectMeta) {
	return func(o *metav1.ObjectMeta) { o.Labels[v1alpha1.ConfigRepoLabel] = repo }
}

func TestMake(t *testing.T) {
	web, old, push, busy, ending := pipelineKey("web"), pipelineKey("old"), triggerKey("push"), pipelineKey("busy"), pipelineKey("ending")
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	since := func(at time.Time) v1alpha1.InventoryEntry {
		waiting := entry(busy, 3, "d1")
		waiting.UnwantedSince = &metav1.Time{Time: at}
		return waiting
	}
	changed := func(cause apply.Cause) apply.Plan {
		return apply.Plan{Apply: []apply.Change{{Desired: desired(web), Cause: cause}}}
	}
	tests := map[string]struct {
		desired   []apply.Desired
		inventory []v1alpha1.InventoryEntry
		live      map[apply.Key]metav1.Object
		prune     bool
		want      apply.Plan
	}{
		"nothing at all": {prune: true},
		"as it should be": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			prune:     true,
		},
		"labels and annotations of others are left alone": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live: map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) {
				o.Labels["theirs"], o.Annotations["theirs"] = "x", "y"
			})},
		},
		"new": {
			desired: []apply.Desired{desired(web)},
			want:    changed(apply.Missing),
		},
		"deleted by hand": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			want:      changed(apply.Missing),
		},
		"rendered differently": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d0")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			want:      changed(apply.Changed),
		},
		"announced, and perhaps never applied": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 0, "")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			want:      changed(apply.Changed),
		},
		"spec changed by hand": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 2, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			want:      changed(apply.Drifted),
		},
		"made anew by hand, as an object of the same generation": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) { o.UID = "u2" })},
			want:      changed(apply.Drifted),
		},
		"applied before uids were recorded": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{{Kind: web.Kind, Name: web.Name, Generation: 3, Digest: "d1"}},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			want:      changed(apply.Drifted),
		},
		"label removed by hand": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) { delete(o.Labels, "team") })},
			want:      changed(apply.Drifted),
		},
		"annotation changed by hand": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) { o.Annotations["note"] = "2" })},
			want:      changed(apply.Drifted),
		},
		"owner's label removed by hand": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) { delete(o.Labels, v1alpha1.ConfigRepoLabel) })},
			want:      changed(apply.Drifted),
		},
		"made by hand before": {
			desired: []apply.Desired{desired(web)},
			live:    map[apply.Key]metav1.Object{web: live(func(o *metav1.ObjectMeta) { o.Labels = nil })},
			want:    changed(apply.Adopted),
		},
		"left by a ConfigRepo that is gone": {
			desired: []apply.Desired{desired(web)},
			live:    map[apply.Key]metav1.Object{web: live(ownedBy("gone"))},
			want:    changed(apply.Adopted),
		},
		"of another ConfigRepo": {
			desired: []apply.Desired{desired(push), desired(web)},
			live:    map[apply.Key]metav1.Object{web: live(ownedBy("theirs"))},
			want: apply.Plan{
				Apply: []apply.Change{{Desired: desired(push), Cause: apply.Missing}},
				Refused: []apply.Fault{{
					File: "ci/web.jsonnet", Key: web,
					Message: `belongs to ConfigRepo "theirs"; an object can come from one ConfigRepo only, unless this one's spec.adopt names the other`,
				}},
			},
		},
		"of a ConfigRepo that hands it over": {
			desired: []apply.Desired{desired(web)},
			live:    map[apply.Key]metav1.Object{web: live(ownedBy("former"))},
			want:    changed(apply.Adopted),
		},
		"of a ConfigRepo that hands it over, and once our own": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(ownedBy("former"))},
			want:      changed(apply.Adopted),
		},
		"handed over, and still rendered": {
			desired:   []apply.Desired{desired(web)},
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(ownedBy("newer"))},
			prune:     true,
			want:      apply.Plan{Forget: []apply.Key{web}},
		},
		"handed over, forgotten and still rendered": {
			desired: []apply.Desired{desired(web)},
			live:    map[apply.Key]metav1.Object{web: live(ownedBy("newer"))},
			prune:   true,
		},
		"not rendered any more": {
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
			prune:     true,
			want:      apply.Plan{Prune: []apply.Key{web}},
		},
		"not rendered any more, without prune": {
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(nil)},
		},
		"not rendered any more, and of somebody else now": {
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1"), entry(old, 3, "d1")},
			live:      map[apply.Key]metav1.Object{web: live(ownedBy("theirs")), old: live(ownedBy(""))},
			prune:     true,
			want:      apply.Plan{Forget: []apply.Key{old, web}},
		},
		"not rendered any more, and gone": {
			inventory: []v1alpha1.InventoryEntry{entry(web, 3, "d1")},
			prune:     true,
			want:      apply.Plan{Forget: []apply.Key{web}},
		},
		"not rendered any more, and it has active Runs": {
			inventory: []v1alpha1.InventoryEntry{entry(busy, 3, "d1"), entry(push, 3, "d1")},
			live:      map[apply.Key]metav1.Object{busy: live(nil), push: live(nil)},
			prune:     true,
			want:      apply.Plan{Prune: []apply.Key{push}, Await: []apply.Wait{{Key: busy, Hold: apply.HoldRuns, Until: noon.Add(time.Hour), Fresh: true}}},
		},
		"not rendered any more, and Jobs of its Runs have not ended": {
			inventory: []v1alpha1.InventoryEntry{entry(ending, 3, "d1")},
			live:      map[apply.Key]metav1.Object{ending: live(nil)},
			prune:     true,
			want:      apply.Plan{Await: []apply.Wait{{Key: ending, Hold: apply.HoldJobs, Until: noon.Add(time.Hour), Fresh: true}}},
		},
		"waits for its Runs": {
			inventory: []v1alpha1.InventoryEntry{since(noon.Add(-59 * time.Minute))},
			live:      map[apply.Key]metav1.Object{busy: live(nil)},
			prune:     true,
			want:      apply.Plan{Await: []apply.Wait{{Key: busy, Hold: apply.HoldRuns, Until: noon.Add(time.Minute)}}},
		},
		"has waited for its Runs for too long": {
			inventory: []v1alpha1.InventoryEntry{since(noon.Add(-time.Hour))},
			live:      map[apply.Key]metav1.Object{busy: live(nil)},
			prune:     true,
			want:      apply.Plan{Prune: []apply.Key{busy}},
		},
		"waits, and somebody deleted it": {
			inventory: []v1alpha1.InventoryEntry{since(noon)},
			prune:     true,
			want:      apply.Plan{Forget: []apply.Key{busy}},
		},
		"waits, and is rendered again": {
			desired:   []apply.Desired{desired(busy)},
			inventory: []v1alpha1.InventoryEntry{since(noon)},
			live:      map[apply.Key]metav1.Object{busy: live(nil)},
			prune:     true,
			want:      apply.Plan{Keep: []apply.Key{busy}},
		},
		"waits, and prune is turned off": {
			inventory: []v1alpha1.InventoryEntry{since(noon)},
			live:      map[apply.Key]metav1.Object{busy: live(nil)},
			want:      apply.Plan{Keep: []apply.Key{busy}},
		},
		"labelled and in no inventory": {
			live:  map[apply.Key]metav1.Object{web: live(nil)},
			prune: true,
		},
		"pipelines first, and last when pruned": {
			desired:   []apply.Desired{desired(triggerKey("b")), desired(pipelineKey("b")), desired(pipelineKey("a"))},
			inventory: []v1alpha1.InventoryEntry{entry(old, 3, "d1"), entry(push, 3, "d1")},
			live:      map[apply.Key]metav1.Object{old: live(nil), push: live(nil)},
			prune:     true,
			want: apply.Plan{
				Apply: []apply.Change{
					{Desired: desired(pipelineKey("a")), Cause: apply.Missing},
					{Desired: desired(pipelineKey("b")), Cause: apply.Missing},
					{Desired: desired(triggerKey("b")), Cause: apply.Missing},
				},
				Prune: []apply.Key{push, old},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := apply.Make(apply.Input{
				Busy: map[apply.Key]apply.Hold{busy: apply.HoldRuns, ending: apply.HoldJobs}, Patience: time.Hour, Now: noon,
				Namespace: "ci", Repo: "mine", Repos: map[string][]string{"mine": {"former"}, "theirs": nil, "former": nil, "newer": {"mine"}}, Prune: test.prune,
				Desired: test.desired, Live: test.live,
				Inventory: &v1alpha1.Inventory{Entries: test.inventory},
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}
