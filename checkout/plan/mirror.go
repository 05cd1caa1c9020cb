package plan

import (
	"fmt"
	"slices"
	"strconv"
)

// mirrorRefs is where what a mirror has given is found by the fetches from the host, until
// the checkout is done.
const mirrorRefs = "refs/kayci/mirror/"

// readMirror serves a mirror, whoever owns it, and whatever its configuration says has git
// neither connect to a host nor start a program: git-upload-pack(1) takes no hook from it,
// and may not fetch for it what it lacks.
const readMirror = "GIT_ALLOW_PROTOCOL=none GIT_NO_LAZY_FETCH=1 git -c safe.directory='*' upload-pack"

// FromMirror are what to fetch from a mirror, each if it is there. What it gives is copied,
// and git computes the hash of each object, as of a host's.
func (s Source) FromMirror() []Command {
	var what []string
	for _, each := range []string{s.Commit, s.Ref, s.Merge, "HEAD"} {
		if each != "" && !slices.Contains(what, each) {
			what = append(what, each)
		}
	}
	commands := make([]Command, 0, len(what))
	for i, each := range what {
		c := Command{"-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--upload-pack=" + readMirror}
		commands = append(commands, append(append(c, s.depth()...), s.Mirror, "+"+each+":"+mirrorRefs+strconv.Itoa(i)))
	}
	return commands
}

// ForgetMirror has nothing refer to what the mirror has given and the commit doesn't need.
func (s Source) ForgetMirror() []Command {
	var commands []Command
	for i := range s.FromMirror() {
		commands = append(commands, Command{"update-ref", "-d", mirrorRefs + strconv.Itoa(i)})
	}
	return commands
}

// Absent reports whether a mirror's failure says no more than that it lacks what was asked for.
func Absent(kind Kind) bool { return kind == NoCommit || kind == NoRef }

// ExplainMirror says what is wrong with a mirror.
func (s Source) ExplainMirror(said string) string {
	return fmt.Sprintf("the mirror can't be used, and all is fetched from %s; git says: %s", s.Remote.Host(), lastWords(said))
}
