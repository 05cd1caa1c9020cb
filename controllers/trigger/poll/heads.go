// Package poll starts Runs when branches or tags of a repository have moved, by
// looking at it. Triggers of one repository share a look.
package poll

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
	// maxHeads bounds what a Trigger's status keeps.
	maxHeads = 100
	// maxRef bounds a reference's name: with its commit it is the delivery of a Run.
	maxRef = 200
)

// heads are the branches and tags that a Trigger follows, in order, and how many more
// it would follow.
type heads struct {
	list []v1alpha1.PollHead
	more int
}

// choose finds what a Trigger follows. References with names that nobody can read, or
// that are long, are left out.
func choose(found git.References, branches, tags []string) heads {
	var chosen heads
	for _, ref := range slices.SortedFunc(maps.Keys(found.Commits), compareRefs) {
		switch {
		case !followed(ref, found.Default, branches, tags) || !fit(ref):
		case len(chosen.list) == maxHeads:
			chosen.more++
		default:
			chosen.list = append(chosen.list, v1alpha1.PollHead{Ref: ref, SHA: found.Commits[ref]})
		}
	}
	return chosen
}

func followed(ref, main string, branches, tags []string) bool {
	if len(branches) == 0 && len(tags) == 0 {
		return ref == main
	}
	if branch, ok := strings.CutPrefix(ref, branchPrefix); ok {
		return matches(branch, branches)
	}
	tag, ok := strings.CutPrefix(ref, tagPrefix)
	return ok && matches(tag, tags)
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return doublestar.MatchUnvalidated(pattern, name) })
}

func fit(ref string) bool {
	return len(ref) <= maxRef && utf8.ValidString(ref) && !strings.ContainsFunc(ref, unicode.IsControl)
}

// compareRefs puts branches before tags, and of tags the highest version first: where
// there are too many, the newest tags are followed.
func compareRefs(a, b string) int {
	aTag, bTag := strings.HasPrefix(a, tagPrefix), strings.HasPrefix(b, tagPrefix)
	switch {
	case aTag != bTag && bTag:
		return -1
	case aTag != bTag:
		return 1
	case aTag:
		return cmp.Or(compareVersions(b, a), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

// compareVersions compares texts with the numbers in them as numbers.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		na, nb := leadingNumber(a), leadingNumber(b)
		if na == "" || nb == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		a, b = a[len(na):], b[len(nb):]
		na, nb = strings.TrimLeft(na, "0"), strings.TrimLeft(nb, "0")
		if order := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

func leadingNumber(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}

// move is a head that is another than before. Blank before: it is new.
type move struct {
	v1alpha1.PollHead
	before string
}

// moves finds what has moved since the last look. The first look at a repository finds
// nothing, nor does the first after a suspension, and one with other globs only what
// was known before.
func moves(known *v1alpha1.PollStatus, spec *v1alpha1.Poll, found heads) []move {
	if known == nil || known.URL != spec.URL || known.Suspended {
		return nil
	}
	before := make(map[string]string, len(known.Heads))
	for _, head := range known.Heads {
		before[head.Ref] = head.SHA
	}
	sameGlobs := slices.Equal(known.Branches, spec.Branches) && slices.Equal(known.Tags, spec.Tags)
	var moved []move
	for _, head := range found.list {
		sha, was := before[head.Ref]
		if was && sha != head.SHA || !was && sameGlobs && !wasBeyond(known, head.Ref) {
			moved = append(moved, move{head, sha})
		}
	}
	return moved
}

// wasBeyond reports whether a reference may have been there, among those that were too
// many to follow.
func wasBeyond(known *v1alpha1.PollStatus, ref string) bool {
	return known.More > 0 && len(known.Heads) > 0 && compareRefs(ref, known.Heads[len(known.Heads)-1].Ref) > 0
}

// remember is what is known after a look, but for the moves that led to no Run: those
// are found again.
func remember(spec *v1alpha1.Poll, found heads, failed []move) *v1alpha1.PollStatus {
	open := make(map[string]string, len(failed))
	for _, move := range failed {
		open[move.Ref] = move.before
	}
	status := &v1alpha1.PollStatus{
		URL: spec.URL, Branches: spec.Branches, Tags: spec.Tags,
		More: int32(min(found.more, 1<<30)),
	}
	for _, head := range found.list {
		if before, is := open[head.Ref]; is {
			head.SHA = before
		}
		if head.SHA != "" {
			status.Heads = append(status.Heads, head)
		}
	}
	return status
}
