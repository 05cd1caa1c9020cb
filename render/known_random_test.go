package render_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/render"
)

// randomEdit changes a tree in which entries import libraries of each other's and
// the root's vendor folder, lazily and through one another, and files that come
// earlier in the search.
func randomEdit(random *rand.Rand, files map[string]string) {
	library := func() string { return fmt.Sprintf("l%d.libsonnet", random.IntN(4)) }
	folders := []string{"", "sub/", "vendor/", "sub/vendor/"}
	entry := fmt.Sprintf("%se%d.jsonnet", folders[random.IntN(2)], random.IntN(3))
	switch random.IntN(6) {
	case 0, 1:
		name := strings.NewReplacer("/", "-", ".jsonnet", "").Replace(entry)
		files[entry] = fmt.Sprintf("local a = import '%s', b = import '%s'; { apiVersion: 'kayci.dev/v1alpha1', kind: 'Trigger', metadata: { name: '%s', "+
			"annotations: { x: a.x, y: if %v then b.y else b.x } }, spec: { pipeline: 'p', webhook: { provider: 'github', secretRef: { name: 's' } } } }",
			library(), library(), name, random.IntN(2) == 0)
	case 2, 3:
		files[folders[random.IntN(4)]+library()] = fmt.Sprintf("{ x: '%d', y: %s }", random.IntN(2),
			[]string{"(import '" + library() + "').x", "importstr '" + library() + "'", "std.toString(std.length(importbin '" + library() + "'))"}[random.IntN(3)])
	case 4:
		delete(files, folders[random.IntN(4)]+library())
	default:
		delete(files, entry)
	}
}

// Whatever is pushed, and whether it can be rendered or not: what comes out is what
// a rendering that knows nothing makes of it.
func TestKnownMakesNoDifference(t *testing.T) {
	t.Parallel()
	const commits, edits = 40, 3
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			files := map[string]string{}
			for i := range 4 {
				files[fmt.Sprintf("vendor/l%d.libsonnet", i)] = "{ x: 'x', y: 'y' }"
			}
			var last render.Result
			unchanged, good := 0, 0
			for range commits {
				for range edits {
					randomEdit(random, files)
				}
				opts := options(t, repository(t, files))
				whole, wholeErr := render.Render(testContext(t), opts)
				opts.Known = last.Known
				got, err := render.Render(testContext(t), opts)
				if diff := cmp.Diff(fmt.Sprint(wholeErr), fmt.Sprint(err)); diff != "" {
					t.Fatalf("error (-as a whole +in parts):\n%s\n%v", diff, files)
				}
				if err != nil {
					continue
				}
				good++
				unchanged += len(got.Unchanged)
				for _, o := range last.Objects {
					if slices.Contains(got.Unchanged, o.File) {
						got.Objects = append(got.Objects, o)
					}
				}
				slices.SortFunc(got.Objects, func(a, b render.Object) int { return strings.Compare(a.Object.GetName(), b.Object.GetName()) })
				if diff := cmp.Diff(whole.Objects, got.Objects, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("objects (-as a whole +in parts):\n%s\n%v", diff, files)
				}
				last = got
			}
			if good < commits/4 || unchanged < good {
				t.Errorf("of %d commits %d could be rendered, with %d unchanged entries: the test shows little", commits, good, unchanged)
			}
		})
	}
}
