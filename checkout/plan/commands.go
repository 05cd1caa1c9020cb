package plan

import (
	"slices"
	"strconv"
)

// remoteName is what the repository is called in the checkout.
const remoteName = "origin"

// The names under which all of a host's branches and tags are kept.
const (
	allBranches = "+refs/heads/*:refs/remotes/" + remoteName + "/*"
	allTags     = "+refs/tags/*:refs/tags/*"
)

// farther are the steps in which a commit's history is looked through.
func farther() []string { return []string{"--deepen=100", "--deepen=1000", "--unshallow"} }

// Command is what git is called with.
type Command []string

// Init makes an empty repository of the folder that git is called in.
func (s Source) Init() []Command {
	return []Command{
		{"init", "--quiet", "--template=", "--initial-branch=main"},
		{"remote", "add", remoteName, s.Remote.String()},
	}
}

// Fetches are ways to get the commit, the best first. Each goes on from what those
// before it have brought. Without a commit there is one.
func (s Source) Fetches() []Command {
	if s.Commit == "" {
		return []Command{s.fetch(s.depth(), s.Ref)}
	}
	ways := []Command{s.fetch(s.depth(), s.Commit)}
	from := []string{s.Ref}
	if s.Ref == "" {
		from = []string{allBranches, allTags}
	}
	ways = append(ways, s.fetch(s.depth(), from...))
	if s.Depth == 0 {
		return ways
	}
	for _, more := range farther() {
		ways = append(ways, s.fetch([]string{more}, from...))
	}
	return ways
}

func (s Source) depth() []string {
	if s.Depth == 0 {
		return nil
	}
	return []string{"--depth=" + strconv.Itoa(s.Depth)}
}

func (s Source) fetch(options []string, what ...string) Command {
	c := append(Command{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules"}, options...)
	if len(s.Paths) > 0 {
		// Only the files that are written are asked for, once it is known which.
		c = append(c, "--filter=blob:none")
	}
	c = append(append(c, remoteName), what...)
	if s.Tags && !slices.Contains(what, allTags) {
		c = append(c, allTags)
	}
	return c
}

// Has succeeds where the commit is here.
func Has(commit string) Command { return Command{"cat-file", "-e", commit + "^{commit}"} }

// Find prints the commit that was fetched: the one that was asked for, or what the
// ref is at.
func (s Source) Find() Command {
	what := s.Commit
	if what == "" {
		what = "FETCH_HEAD"
	}
	return Command{"rev-parse", "--verify", "--quiet", "--end-of-options", what + "^{commit}"}
}

// Write puts a commit's files into the folder, also where an earlier try has broken off: it
// may have to fetch them.
func (s Source) Write(commit string) []Command {
	var commands []Command
	if len(s.Paths) > 0 {
		commands = append(commands, append(Command{"sparse-checkout", "set", "--cone"}, s.Paths...))
	}
	return append(commands, Command{"checkout", "--quiet", "--force", "--detach", commit})
}

// Head prints the commit that is checked out, and the first line of its message.
func Head() Command { return Command{"log", "-1", "--no-show-signature", "--format=%H%n%s"} }
