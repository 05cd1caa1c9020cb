package configrepo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kayci/kayci/render"
)

// numbered are ten Pipelines of a file.
func numbered(file, image string) (objects []render.Object) {
	for i := range 10 {
		o := webPipeline(image)
		o.File = file
		o.Object.SetName(fmt.Sprintf("%s-%d", file, i))
		objects = append(objects, o)
	}
	return objects
}

// What a commit leaves unchanged is what it was, and costs no request; what is known
// is that of the last commit that could be rendered.
func TestUnchangedEntriesCostNothing(t *testing.T) {
	w := newWorld(t, configRepo())
	known := map[string]*render.Known{"c1": {}, "c3": {}, "c4": {}}
	var given []*render.Known
	w.reconciler.Render = func(_ context.Context, opts render.Options) (render.Result, error) {
		given = append(given, opts.Known)
		result := render.Result{Known: known[w.head.Commit]}
		switch w.head.Commit {
		case "c1":
			result.Objects = append(numbered("a", "busybox:1"), append(numbered("b", "busybox:1"), numbered("c", "busybox:1")...)...)
		case "c2":
			return render.Result{}, render.Errors{{File: "a", Message: "expected a comma"}}
		case "c3":
			result.Objects, result.Unchanged = numbered("b", "busybox:3"), []string{"a", "c"}
		case "c4": // c is gone
			result.Unchanged = []string{"a", "b"}
		}
		return result, nil
	}
	commit := func(name string) (writes []string, tried int) {
		t.Helper()
		w.head.Commit, w.tried = name, nil
		w.clock.SetTime(w.clock.Now().Add(5 * time.Minute))
		_, writes, _ = w.reconcile(t)
		return writes, len(w.tried)
	}
	writes, tried := commit("c1")
	expect(t, "writes and tries of all", [2]int{30 + 3, 30}, [2]int{len(writes), tried})
	writes, tried = commit("c2")
	expect(t, "writes and tries of a bad commit", [2]int{2, 0}, [2]int{len(writes), tried})
	writes, tried = commit("c3")
	expect(t, "writes and tries of a third", [2]int{10 + 2, 10}, [2]int{len(writes), tried})
	writes, tried = commit("c4")
	expect(t, "writes and tries of none", [2]int{10 + 2, 0}, [2]int{len(writes), tried})
	expect(t, "first deletion", "delete c-9", writes[1])
	expect(t, "inventory", 20, len(w.repo(t).Status.Inventory.Entries))
	for i, want := range []*render.Known{nil, known["c1"], known["c1"], known["c3"]} {
		if given[i] != want {
			t.Errorf("rendering %d is given what another has found out", i)
		}
	}
}
