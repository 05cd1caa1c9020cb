package event

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxCommits is how many commits of a push GitHub lists at most.
const maxCommits = 2048

// commits are read one by one: what they take in memory is what is kept of them,
// however many there are.
type commits struct {
	// wanted is the id of the commit whose message, author and page are kept.
	wanted, message, author, url string
	count                        int
	// bare: a commit is listed without saying what it changed.
	bare  bool
	paths paths
}

// commit is the part of a commit that is read, the same for every provider.
type commit struct {
	ID       string   `json:"id"`
	Message  string   `json:"message"`
	URL      string   `json:"url"`
	Author   author   `json:"author"`
	Added    []string `json:"added"`
	Removed  []string `json:"removed"`
	Modified []string `json:"modified"`
}

// author of a commit. The name and address are what the commit says; the username is
// the host's, of the account with that address, if there is one.
type author struct {
	Name     string `json:"name"`
	Username string `json:"username"`
}

func (a author) String() string { return cmp.Or(a.Username, a.Name) }

// readCommits reads the payload's commits, and nothing else of it.
func readCommits(payload []byte, wanted string) (commits, error) {
	found := commits{wanted: wanted}
	body := struct {
		Commits *commits `json:"commits"`
	}{&found}
	if err := json.Unmarshal(payload, &body); err != nil {
		return commits{}, unreadable(err)
	}
	return found, nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *commits) UnmarshalJSON(raw []byte) error { return each(raw, c.add) }

func (c *commits) add(one *commit) {
	c.count++
	if one.ID != "" && one.ID == c.wanted {
		c.message, c.author, c.url = one.Message, one.Author.String(), one.URL
	}
	c.bare = c.bare || one.Added == nil && one.Removed == nil && one.Modified == nil
	for _, list := range [][]string{one.Added, one.Removed, one.Modified} {
		for _, path := range list {
			c.paths.add(path)
		}
	}
}

// paths are the first maxPaths different ones.
type paths struct {
	found []string
	// gap says why some are left out; full, that no more are taken.
	gap  string
	full bool
}

func (p *paths) add(path string) {
	switch {
	case path == "", p.full:
	case len(path) > maxPath || strings.ContainsRune(path, 0):
		p.gap = fmt.Sprintf("a path has a NUL or more than %d bytes", maxPath)
	default:
		p.found = append(p.found, path)
		if len(p.found) == 2*maxPaths {
			p.tidy()
		}
	}
}

// tidy is called seldom: sorting at each path would take time for each that is
// there already.
func (p *paths) tidy() {
	slices.Sort(p.found)
	p.found = slices.Compact(p.found)
	if len(p.found) > maxPaths {
		p.found, p.full = p.found[:maxPaths], true
		p.gap = fmt.Sprintf("there are more than %d", maxPaths)
	}
}

func (p *paths) sorted() []string {
	p.tidy()
	if len(p.found) == 0 {
		return nil
	}
	return p.found
}

// Comparable reports whether a git host can be asked what has changed: a new ref is
// compared with nothing.
func (e *Event) Comparable() bool { return e.PullRequest.Number != 0 || e.Before != "" }

// WithPaths is the event with the paths that the git host has named when it was asked.
// Complete says that these are all.
func (e *Event) WithPaths(named []string, complete bool) *Event {
	var all paths
	if !complete {
		all.found, all.gap = slices.Clone(e.Paths), "the git host names only some when it is asked"
	}
	for _, path := range named {
		all.add(path)
	}
	known := *e
	known.Paths = all.sorted()
	known.PathsGap = all.gap
	return &known
}

// WithoutPaths is the event whose paths the git host hasn't named when it was asked.
func (e *Event) WithoutPaths(why string) *Event {
	unknown := *e
	unknown.PathsGap += ", and when it is asked: " + why
	return &unknown
}
