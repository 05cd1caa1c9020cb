package find

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// suggested is how many names a person is offered.
const suggested = 3

// NotFoundError says what there is none of, and what comes near.
type NotFoundError struct {
	// What isn't there: "Run web-1".
	What      string
	Namespace string
	// Near are the names that it may be a mistake for.
	Near []string
	// Hint is said where nothing comes near.
	Hint string
}

func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("there is no %s in the namespace %s", e.What, e.Namespace)
	switch {
	case len(e.Near) > 0:
		text += ": did you mean " + strings.Join(e.Near, " or ") + "?"
	case e.Hint != "":
		text += ": " + e.Hint
	}
	return text
}

func (f Finder) noPipeline(ctx context.Context, name string) error {
	// That the names can't be listed isn't what went wrong.
	pipelines, _ := f.Names(ctx, v1alpha1.PipelineKind)
	missed := &NotFoundError{What: "Pipeline " + name, Namespace: f.Namespace, Near: Near(name, pipelines)}
	switch {
	case len(pipelines) == 0:
		missed.Hint = "there is no Pipeline at all; is --namespace the right one?"
	case len(pipelines) <= 10:
		missed.Hint = "there are " + strings.Join(pipelines, ", ")
	}
	return missed
}

func (f Finder) noRun(ctx context.Context, ref Ref) error {
	missed := &NotFoundError{Namespace: f.Namespace}
	switch {
	case ref == Ref{}:
		missed.What = "Run"
		missed.Hint = "`kayci start PIPELINE` starts one"
		return missed
	case ref.Name != "" && ref.Pipeline != "":
		return f.neither(ctx, ref.Name)
	case ref.Name != "":
		runs, _ := f.Names(ctx, v1alpha1.RunKind)
		missed.What, missed.Near = "Run "+ref.Name, Near(ref.Name, runs)
		return missed
	}
	if _, err := f.Pipeline(ctx, ref.Pipeline); err != nil {
		return err
	}
	missed.What = fmt.Sprintf("Run of Pipeline %s", ref.Pipeline)
	missed.Hint = fmt.Sprintf("`kayci start %s` starts one", ref.Pipeline)
	if ref.Number != 0 {
		missed.What = fmt.Sprintf("Run %d of Pipeline %s", ref.Number, ref.Pipeline)
		missed.Hint = fmt.Sprintf("`kayci runs %s` lists those that are kept", ref.Pipeline)
	}
	return missed
}

// neither explains a name that is no Run's, and no Pipeline's with Runs.
func (f Finder) neither(ctx context.Context, name string) error {
	pipelines, _ := f.Names(ctx, v1alpha1.PipelineKind)
	if slices.Contains(pipelines, name) {
		return &NotFoundError{What: "Run of Pipeline " + name, Namespace: f.Namespace, Hint: fmt.Sprintf("`kayci start %s` starts one", name)}
	}
	runs, _ := f.Names(ctx, v1alpha1.RunKind)
	missed := &NotFoundError{What: "Run or Pipeline " + name, Namespace: f.Namespace, Near: Near(name, slices.Concat(pipelines, runs))}
	if len(pipelines) == 0 {
		missed.Hint = "there is no Pipeline at all; is --namespace the right one?"
	}
	return missed
}

// Near returns the few of some names that another may be a mistake for: those that
// begin with it, and those that take few strokes to get to.
func Near(name string, among []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, other := range among {
		distance := strokes(name, other)
		if strings.HasPrefix(other, name) {
			distance = min(distance, 1)
		}
		if distance <= max(1, len(name)/3) {
			near = append(near, candidate{other, distance})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, one := range near {
		if !slices.Contains(names, one.name) {
			names = append(names, one.name)
		}
	}
	return names[:min(len(names), suggested)]
}

// strokes counts the characters to insert, take away, replace or swap with the next.
func strokes(a, b string) int {
	before, last, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		current[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			current[j+1] = min(last[j+1]+1, current[j]+1, replace)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
		before, last, current = last, current, before
	}
	return last[len(b)]
}
