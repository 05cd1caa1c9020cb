package render

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// Known is what the entries of a commit were made from, for the rendering of the
// next one: an entry that would be made from the same yields the same, and isn't
// evaluated again. It has no objects, is never changed, and saves work: nothing is
// rendered otherwise without it.
type Known struct {
	// by is all that entries are made from beside files. The built-in library is this
	// program's own, and no other will see this.
	by string
	// entries by their files. Some of the commit may be missing.
	entries map[string]*entry
	// states of the paths that entries looked at.
	states map[string]state
}

// entry is what was found out about one.
type entry struct {
	// looked are the paths that it depends on: those of the files that it was made
	// from, itself included, and those that were looked for before and weren't there.
	looked  []string
	objects []definition
	spent   spent
}

// definition is an object's Kind/name, and the line where it stands if that is
// known.
type definition struct {
	id   string
	line int
}

// spent is what entries take of the limits.
type spent struct {
	// values are counted by the child and room by the parent.
	values, room int
	output       int64
	bytes        int
	objects      int
}

func (s *spent) add(more spent) {
	s.values += more.values
	s.room += more.room
	s.output += more.output
	s.bytes += more.bytes
	s.objects += more.objects
}

// Bounds of what is remembered of a commit. Entries beyond them are evaluated each
// time.
const (
	// maxPaths are different ones, and maxLooked those of all entries together.
	maxPaths  = 20_000
	maxLooked = 200_000
)

// madeBy names all that an entry is made from beside files.
func madeBy(opts Options, req evaluation) (string, error) {
	text, err := json.Marshal([]any{opts.Namespace, req.Path, req.Vars, req.Image, req.GitImage, req.Store, req.Limits})
	return string(text), err
}

// stillHold returns those entries that need no evaluation.
func (k *Known) stillHold(ctx context.Context, by string, files []string, tree *survey) map[string]*entry {
	if k == nil || k.by != by {
		return nil
	}
	held := map[string]*entry{}
	for _, file := range files {
		e := k.entries[file]
		if e == nil || ctx.Err() != nil {
			continue
		}
		if !slices.ContainsFunc(e.looked, func(name string) bool { return !tree.is(name, k.states[name]) }) {
			held[file] = e
		}
	}
	return held
}

// newKnown remembers entries of the commit that the tree is of.
func newKnown(by string, tree *survey, entries ...map[string]*entry) *Known {
	k := &Known{by: by, entries: map[string]*entry{}, states: map[string]state{}}
	names := map[string]string{}
	for _, some := range entries {
		for _, file := range slices.Sorted(maps.Keys(some)) {
			k.remember(file, some[file], tree, names)
		}
	}
	return k
}

// remember adds an entry unless it depends on what can't be told of the tree. The
// names are each held once.
func (k *Known) remember(file string, e *entry, tree *survey, names map[string]string) {
	looked := make([]string, len(e.looked))
	for i, name := range e.looked {
		now, ok := tree.state(name)
		if _, there := k.states[name]; !ok || !there && len(k.states) == maxPaths {
			return
		}
		if _, there := names[name]; !there {
			names[name] = name
		}
		looked[i] = names[name]
		k.states[looked[i]] = now
	}
	remembered := *e
	remembered.looked = looked
	k.entries[file] = &remembered
}
