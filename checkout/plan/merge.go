package plan

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

// Target fetches what the commit is merged into.
func (s Source) Target() Command { return s.fetch(s.depth(), s.Merge) }

// Fetched prints the commit that the last fetch of one ref has brought.
func Fetched() Command {
	return Command{"rev-parse", "--verify", "--quiet", "--end-of-options", "FETCH_HEAD^{commit}"}
}

// Histories fetch more and more of both histories, until they meet.
func (s Source) Histories(commit string) []Command {
	if s.Depth == 0 {
		return nil
	}
	from := commit
	if s.Ref != "" {
		from = s.Ref
	}
	var ways []Command
	for _, more := range farther() {
		ways = append(ways, s.fetch([]string{more}, from, s.Merge))
	}
	return ways
}

// Meet succeeds where both commits have an ancestor that is here.
func Meet(target, commit string) Command { return Command{"merge-base", target, commit} }

// MergeInto merges a commit into the one that is checked out, always by a commit of its
// own unless there is nothing to merge.
func (s Source) MergeInto(commit string) Command {
	return Command{
		"-c", "user.name=KayCI", "-c", "user.email=kayci@localhost", "merge", "--quiet", "--no-ff", "--no-edit", "--no-gpg-sign",
		"-m", "Merge " + commit + " into " + s.Merge, commit,
	}
}

// Conflicts prints the files that couldn't be merged.
func Conflicts() Command { return Command{"diff", "--name-only", "--diff-filter=U", "-z"} }

// maxConflicts are named.
const maxConflicts = 10

// ExplainConflict says which files couldn't be merged, as Conflicts has printed them.
// Blank: none is known.
func (s Source) ExplainConflict(commit, printed string) string {
	names := strings.Split(strings.TrimSuffix(printed, "\x00"), "\x00")
	if names[0] == "" {
		return ""
	}
	more := ""
	if len(names) > maxConflicts {
		more = fmt.Sprintf(" and %d more", len(names)-maxConflicts)
		names = names[:maxConflicts]
	}
	for i, name := range names {
		names[i] = printable.Cut(printable.Text(name), 100)
	}
	return fmt.Sprintf("%s conflicts with %s in %s%s: merge %[2]s into its branch, or rebase it, and push", commit, printable.Text(s.Merge), strings.Join(names, ", "), more)
}

// ExplainStrangers says that two commits have nothing in common.
func (s Source) ExplainStrangers(commit string) string {
	return fmt.Sprintf("%s and %s have no common history, so nothing can be merged: see that the branch was made of this repository", commit, printable.Text(s.Merge))
}
