package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

// Kind is what a failure of git is about.
type Kind int

// The kinds.
const (
	// Other is a failure of which only git's own words are known.
	Other Kind = iota
	// Unreachable: the host can't be reached, or went away. Trying again may help.
	Unreachable
	// Refused: the host takes no such credentials, or wants some.
	Refused
	// NoRepository: the host knows no such repository.
	NoRepository
	// NoCommit: the host doesn't have the commit.
	NoCommit
	// NoRef: the host has no such branch or tag.
	NoRef
	// Unadvertised: the host lets nobody fetch a commit by its hash.
	Unadvertised
	// Untrusted: the host's certificate or key isn't the one that is trusted.
	Untrusted
	// Redirected: the host sends its clients to where this one doesn't go.
	Redirected
	// BadSecret: the Secret's keys can't be used.
	BadSecret
	// NoFile: the commit has no such file.
	NoFile
	// NoRoom: the volume is full.
	NoRoom
	// NoLFS: the host has no server of Git LFS for the repository.
	NoLFS
	// LFSMissing: the host has not all files of Git LFS.
	LFSMissing
	// LFSQuota: the host sends no more files of Git LFS for now.
	LFSQuota
	// LFSCorrupt: the host has sent another file than was asked for.
	LFSCorrupt
	// LFSExtension: a pointer wants a program to run.
	LFSExtension
	// LFSFailed is a failure of Git LFS of which only its own words are known.
	LFSFailed
)

type sign struct {
	text string
	kind Kind
}

// signs are texts by which git, which has no other way to tell, says what has failed.
// The first that is found counts.
func signs() []sign {
	return []sign{
		{"No space left on device", NoRoom},
		{"Disk quota exceeded", NoRoom},
		{"does not allow request for unadvertised object", Unadvertised},
		{"not our ref", NoCommit},
		{"--unshallow on a complete repository", NoCommit},
		{"couldn't find remote ref", NoRef},
		{"' does not exist in '", NoFile},
		{"SSL certificate problem", Untrusted},
		{"certificate verification failed", Untrusted},
		{"is not the one in known_hosts", Untrusted},
		{"known_hosts has no key of", Untrusted},
		{"the Secret's identity", BadSecret},
		{"the Secret's known_hosts is malformed", BadSecret},
		{"Authentication failed", Refused},
		{"could not read Username", Refused},
		{"could not read Password", Refused},
		{"the server refused the key", Refused},
		{"returned error: 401", Refused},
		{"returned error: 403", Refused},
		{"returned error: 404", NoRepository},
		{"' not found", NoRepository},
		{"does not appear to be a git repository", NoRepository},
		{"returned error: 30", Redirected},
		{"unable to update url base from redirection", Redirected},
		{"' not allowed", Redirected},
		{"Unsupported protocol", Redirected},
		{"disabled in libcurl", Redirected},
		{"Could not resolve host", Unreachable},
		{"Failed to connect", Unreachable},
		{"Couldn't connect", Unreachable},
		{"returned error: 5", Unreachable},
		{"returned error: 429", Unreachable},
		{"Operation too slow", Unreachable},
		{"RPC failed", Unreachable},
		{"hung up unexpectedly", Unreachable},
		{"early EOF", Unreachable},
		{"Empty reply from server", Unreachable},
		{"Connection reset", Unreachable},
		{"Connection timed out", Unreachable},
		{"Could not read from remote repository", Unreachable},
	}
}

// KindOf tells what a failure is about by git's words.
func KindOf(said string) Kind {
	for _, sign := range slices.Concat(signs(), signsOfLFS()) {
		if strings.Contains(said, sign.text) {
			return sign.kind
		}
	}
	return Other
}

// maxSaid bounds what an error repeats of git's words.
const maxSaid = 300

// Explain says what has failed and what to do next. said are git's words, without
// credentials.
func (s Source) Explain(kind Kind, said string) string {
	what := s.advice(kind)
	if words := lastWords(said); words != "" && kind != NoCommit && kind != NoRef {
		what += "; git says: " + words
	}
	return what
}

func (s Source) advice(kind Kind) string {
	host := s.Remote.Host()
	switch kind {
	case Unreachable:
		return fmt.Sprintf("%s can't be reached, or broke off: try again, and see whether pods may connect to it", host)
	case Refused:
		if s.Host == "" {
			return fmt.Sprintf("%s wants credentials for %s: name a Secret that has them", host, s.Remote)
		}
		return fmt.Sprintf("%s refused the credentials for %s: put others into the Secret, which may read this repository", host, s.Remote)
	case NoRepository:
		return fmt.Sprintf("%s knows no repository %s, or doesn't show it to these credentials: see the URL and the Secret", host, s.Remote)
	case NoCommit:
		return fmt.Sprintf("%s is gone from %s: its branch was pushed by force or deleted; start a Run of the newest commit", s.Commit, host)
	case NoRef:
		return fmt.Sprintf("%s has no branch or tag %s: see its name; of a commit the whole hash has to be given", s.Remote, printable.Text(s.Ref))
	case Unadvertised:
		return fmt.Sprintf("%s lets nobody fetch a commit by its hash: say the branch that it is on", host)
	case Untrusted:
		return fmt.Sprintf("%s doesn't prove to be the host that is trusted: see ca.crt or known_hosts of the Secret", host)
	case Redirected:
		return fmt.Sprintf("%s redirects to where nothing is fetched from: use the repository's own URL", host)
	case BadSecret:
		return fmt.Sprintf("the Secret can't be used for %s", host)
	case NoRoom:
		return "the volume is full: give it more room, or fetch less (depth, paths)"
	default:
		return s.adviceLFS(kind)
	}
}

// wordless are lines with which git ends whatever has failed.
func wordless(line string) bool {
	return line == "" || wordlessLFS(line) || strings.HasPrefix(line, "hint:") || line == "fatal: Could not read from remote repository." ||
		line == "Please make sure you have the correct access rights" || line == "and the repository exists."
}

// lastWords are the lines of git's that say most, as one.
func lastWords(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(printable.Strip(line)); !wordless(line) {
			lines = append(lines, line)
		}
	}
	return printable.CutMiddle(strings.Join(lines[max(0, len(lines)-3):], " / "), maxSaid)
}
