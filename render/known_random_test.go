package render_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// pushes are renderings one after the other.
type pushes struct {
	// last is the newest that could be rendered.
	last render.Result
	// good is how many could be, and unchanged adds up their unchanged entries.
	good, unchanged int
}

func (p *pushes) push(t *testing.T, files map[string]string) {
	t.Helper()
	opts := options(t, repository(t, files))
	whole, wholeErr := render.Render(testContext(t), opts)
	opts.Known = p.last.Known
	got, err := render.Render(testContext(t), opts)
	if diff := cmp.Diff(fmt.Sprint(wholeErr), fmt.Sprint(err)); diff != "" {
		t.Fatalf("error (-as a whole +in parts):\n%s\n%v", diff, files)
	}
	if err != nil {
		return
	}
	p.good++
	p.unchanged += len(got.Unchanged)
	expectSame(t, whole, p.last, got)
	whole.Known = got.Known
	p.last = whole
}

// Whatever is pushed, and whether it can be rendered or not: what comes out is what
// a rendering that knows nothing makes of it.
func TestKnownMakesNoDifference(t *testing.T) {
	t.Parallel()
	const commits, edits = 40, 3
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same numbers each time
			files := map[string]string{}
			for i := range 4 {
				files[fmt.Sprintf("vendor/l%d.libsonnet", i)] = "{ x: 'x', y: 'y' }"
			}
			var p pushes
			for range commits {
				for range edits {
					randomEdit(random, files)
				}
				p.push(t, files)
			}
			if p.good < commits/4 || p.unchanged < p.good {
				t.Errorf("of %d commits %d could be rendered, with %d unchanged entries: the test shows little", commits, p.good, p.unchanged)
			}
		})
	}
}
