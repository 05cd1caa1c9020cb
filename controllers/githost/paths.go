package githost

import (
	"errors"
	"slices"
)

// paths collects the files of a change, from one page of a host's list after the other.
type paths struct {
	found []string
	bytes int
	cut   bool
}

// add takes the names that one file has or had.
func (p *paths) add(names ...string) {
	for _, name := range names {
		if name != "" && len(p.found) < maxPaths && p.bytes+len(name) <= maxPathBytes {
			p.found = append(p.found, name)
			p.bytes += len(name)
			continue
		}
		p.cut = p.cut || name != ""
	}
}

// result returns the paths, sorted and each once, and whether they are all. An answer
// that is too large to be read is one that leaves some out.
func (p *paths) result(err error) (found []string, complete bool, unread error) {
	if errors.Is(err, errLarge) {
		p.cut, err = true, nil
	}
	if err != nil {
		return nil, false, err
	}
	slices.Sort(p.found)
	return slices.Compact(p.found), !p.cut, nil
}

// eachPage calls read with the numbers of pages, from 1 on, until there are no more or no
// more are taken.
func (p *paths) eachPage(read func(page int) (more bool, err error)) error {
	for page := 1; ; page++ {
		more, err := read(page)
		if err != nil || !more || p.cut {
			return err
		}
		if page == maxPages {
			p.cut = true
			return nil
		}
	}
}
