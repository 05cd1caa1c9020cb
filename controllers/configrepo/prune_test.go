package configrepo_test

import (
	"testing"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

// TestMassPruneWaitsForAWord: what most objects would be pruned by changes nothing.
func TestMassPruneWaitsForAWord(t *testing.T) {
	w := newWorld(t, configRepo())
	named := func(name string) render.Object {
		object := webPipeline("busybox:1")
		object.Object.SetName(name)
		return object
	}
	w.rendered = []render.Object{named("a"), named("b"), named("c")}
	w.reconcile(t)

	w.head.Commit, w.rendered = "c2", []render.Object{named("d")}
	w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
	_, writes, said := w.reconcile(t)
	const message = "the commit no longer renders 3 of the 3 objects, so nothing was changed; " +
		"set spec.allowPrune if they are to be removed: Pipeline/c, Pipeline/b, Pipeline/a"
	expect(t, "writes", []string{"status mine", "status mine"}, writes)
	expect(t, "events", []string{"Warning PruneRefused " + message}, said)

	w.update(t, func(repo *v1alpha1.ConfigRepo) { repo.Spec.AllowPrune = true })
	_, _, said = w.reconcile(t)
	expect(t, "events", []string{"Normal Applied applied main@sha1:c2: 1 created, 3 pruned"}, said)
}
