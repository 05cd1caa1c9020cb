package render

import (
	"fmt"
	"strings"
)

// maxDepth of nesting in an entry's output. The deepest field of a Pipeline is
// at about 20.
const maxDepth = 100

// grower makes nodes within limits and collects the faults that don't keep the
// rest from being read.
type grower struct {
	// room for values that is left.
	room int
	// limit that room began with, over all files.
	limit int
	// path of the value that is being read.
	path   []step
	faults []fault
}

// step is one part of a path: a key, or a number in a list.
type step struct {
	key   string
	index int
	list  bool
}

// node makes a node unless there are too many, or it is too deep.
func (g *grower) node(kind kind, line int, text string) (*node, error) {
	if len(g.path) > maxDepth {
		return nil, lineError{line, fmt.Sprintf("the output is nested more than %d deep", maxDepth)}
	}
	if g.room == 0 {
		return nil, lineError{line, fmt.Sprintf("the commit renders more than %d values, counting what an alias stands for each time", g.limit)}
	}
	g.room--
	return &node{kind: kind, line: line, text: text}, nil
}

func (g *grower) enterKey(key string)  { g.path = append(g.path, step{key: key}) }
func (g *grower) enterItem(number int) { g.path = append(g.path, step{index: number, list: true}) }
func (g *grower) leave()               { g.path = g.path[:len(g.path)-1] }

// duplicate records that the value at the path stands there twice.
func (g *grower) duplicate(line int) {
	g.faults = append(g.faults, fault{Line: line, Field: pathText(g.path), Message: "duplicate field"})
}

func pathText(path []step) string {
	var b strings.Builder
	for _, s := range path {
		if s.list {
			fmt.Fprintf(&b, "[%d]", s.index)
		} else {
			b.WriteString("." + s.key)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}
