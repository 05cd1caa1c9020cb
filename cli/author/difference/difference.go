// Package difference says in lines what two states of an object differ in. It is pure.
package difference

import (
	"fmt"
	"strings"
	"time"

	linediff "github.com/go-git/go-git/v5/utils/diff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/api/printable"
)

// around is how many lines of what stays are shown around what differs.
const around = 3

// patience bounds the search for the fewest lines. What is found by then is right, if
// longer than need be.
const patience = 5 * time.Second

// Sign says what a line is: it stands before it.
type Sign string

// The signs.
const (
	// Title is not part of any state: its text is all of the line.
	Title Sign = "---"
	// Place is where the next lines stand in both states: its text is all of the line.
	Place Sign = "@@"
	Same  Sign = " "
	Gone  Sign = "-"
	New   Sign = "+"
)

// Line is one of a unified diff.
type Line struct {
	Sign Sign
	Text string
}

// String returns the line as it is written, without an end.
func (l Line) String() string {
	if l.Sign == Place || l.Sign == Title {
		return l.Text
	}
	return string(l.Sign) + l.Text
}

// Of returns what differs between two states of an object, of which one may be nil, but
// for what the API server or the controller writes. No line is none.
func Of(before, after *unstructured.Unstructured) ([]Line, error) {
	was, err := text(before)
	if err != nil {
		return nil, err
	}
	is, err := text(after)
	if err != nil || was == is {
		return nil, err
	}
	return hunks(lines(was, is)), nil
}

// text of an object, of lines that a terminal can be shown.
func text(object *unstructured.Unstructured) (string, error) {
	if object == nil {
		return "", nil
	}
	encoded, err := yaml.Marshal(wanted(object).Object)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(encoded)) {
		out.WriteString(printable.Text(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return out.String(), nil
}

// wanted is what somebody wants of an object.
func wanted(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	delete(object.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	return object
}

// lines of both texts, in one order.
func lines(was, is string) []Line {
	var all []Line
	for _, part := range linediff.DoWithTimeout(was, is, patience) {
		sign := Same
		switch {
		case part.Type < 0:
			sign = Gone
		case part.Type > 0:
			sign = New
		}
		for line := range strings.Lines(part.Text) {
			all = append(all, Line{sign, strings.TrimSuffix(line, "\n")})
		}
	}
	return all
}

// hunks leaves out what is far from what differs, and says what was left out.
func hunks(all []Line) []Line {
	var out []Line
	was, is := 1, 1
	for at := 0; at < len(all); {
		start, end := next(all, at)
		was, is = was+start-at, is+start-at
		if start == end {
			break
		}
		hunk := all[start:end]
		gone, added := sizes(hunk)
		out = append(out, Line{Place, fmt.Sprintf("@@ -%s +%s @@", span(was, gone), span(is, added))})
		out = append(out, hunk...)
		was, is, at = was+gone, is+added, end
	}
	return out
}

// next returns the lines around the next that differ, from at on.
func next(all []Line, at int) (start, end int) {
	first := at
	for first < len(all) && all[first].Sign == Same {
		first++
	}
	if first == len(all) {
		return first, first
	}
	end = first
	for i := first; i < len(all) && i <= end+2*around+1; i++ {
		if all[i].Sign != Same {
			end = i
		}
	}
	return max(at, first-around), min(len(all), end+1+around)
}

// sizes are how many lines of a hunk stand in each state.
func sizes(hunk []Line) (gone, added int) {
	for _, line := range hunk {
		if line.Sign != New {
			gone++
		}
		if line.Sign != Gone {
			added++
		}
	}
	return gone, added
}

// span names lines as diff -u does: a place without lines is the one before.
func span(first, count int) string {
	if count == 0 {
		first--
	}
	if count == 1 {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d,%d", first, count)
}
