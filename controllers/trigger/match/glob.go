package match

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/api/validation"
)

// glob is a valid pattern.
type glob struct {
	pattern string
	// head and tail are what each name that matches begins and ends with. Most names
	// have another, and need no more comparing.
	head, tail string
}

func newGlob(pattern string) (glob, error) {
	if err := validation.Glob(pattern); err != nil {
		return glob{}, fmt.Errorf("%q %w", pattern, err)
	}
	head, tail := pattern, ""
	if meta := strings.IndexAny(pattern, `*?[\`); meta >= 0 {
		// src/** matches src, and **/src does, too.
		head = strings.TrimSuffix(pattern[:meta], "/")
		if last := strings.LastIndexAny(pattern, `*?]\}`); pattern[last] == '*' || pattern[last] == '?' {
			tail = strings.TrimPrefix(pattern[last+1:], "/")
		}
	}
	return glob{pattern, head, tail}, nil
}

func (g glob) matches(name string) bool {
	return g.mayMatch(name) && doublestar.MatchUnvalidated(g.pattern, name)
}

func (g glob) mayMatch(name string) bool {
	return strings.HasPrefix(name, g.head) && strings.HasSuffix(name, g.tail)
}

// cost bounds the steps that it takes to compare a name.
func (g glob) cost(name string) int {
	if !g.mayMatch(name) {
		return 1
	}
	return 1 + (len(g.pattern)-len(g.head))*(len(name)-len(g.head))
}

// globs are those of one list.
type globs []glob

func newGlobs(patterns []string) (globs, error) {
	all := make(globs, 0, len(patterns))
	for _, pattern := range patterns {
		one, err := newGlob(pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
