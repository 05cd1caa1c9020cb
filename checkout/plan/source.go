package plan

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// Input is what a person asks for, unchecked.
type Input struct {
	// URL of the repository.
	URL string
	// SHA is a commit's whole hash, or the name of a branch, tag or ref.
	SHA string
	// Ref, if not blank, is where the commit is looked for at a host that lets nobody
	// fetch a commit by its hash.
	Ref string
	// Depth is how many commits are fetched. 0: all.
	Depth int
	// Tags are fetched, too.
	Tags bool
	// Paths are the folders to write. None: all.
	Paths []string
	// Submodules are checked out, too.
	Submodules bool
	// LFS has files of Git LFS fetched, which else stay pointers.
	LFS bool
	// Mirror, if not blank, is the absolute path of a repository that has much of it.
	Mirror string
	// Merge, if not blank, is the branch that the commit is merged into.
	Merge string
	// Host that the credentials are for. Blank: that of the URL.
	Host string
	// Credentials are there to be sent.
	Credentials bool
	// PlainHTTP lets credentials be sent over http.
	PlainHTTP bool
}

// Source is what to check out. Every field is checked.
type Source struct {
	Remote Remote
	// Commit is a whole hash, or blank.
	Commit string
	// Ref is a branch, tag or whole ref. It is blank only if Commit isn't.
	Ref   string
	Depth int
	Tags  bool
	Paths []string
	// Submodules are checked out, too.
	Submodules bool
	// LFS has files of Git LFS fetched.
	LFS bool
	// Mirror is the path of a repository that has much of it. Blank: there is none.
	Mirror string
	// Merge is the branch that the commit is merged into. Blank: none.
	Merge string
	// Host that the credentials are for. Blank: there are none.
	Host string
}

var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Read checks what a person asks for.
func Read(in Input) (Source, error) {
	remote, err := ReadURL(in.URL)
	if err != nil {
		return Source{}, err
	}
	s := Source{Remote: remote, Ref: in.Ref, Depth: in.Depth, Tags: in.Tags, Paths: in.Paths, Submodules: in.Submodules, LFS: in.LFS, Mirror: in.Mirror, Merge: in.Merge}
	if sha := strings.ToLower(in.SHA); hash.MatchString(sha) {
		s.Commit = sha
	} else {
		s.Ref = in.SHA
		if err := checkRef("sha", s.Ref); err != nil {
			return Source{}, err
		}
	}
	if err := checkRest(in); err != nil {
		return Source{}, err
	}
	if in.Credentials {
		s.Host, err = recipient(remote, in)
	}
	return s, err
}

func checkRest(in Input) error {
	for what, ref := range map[string]string{"ref": in.Ref, "merge": in.Merge} {
		if ref == "" {
			continue
		}
		if err := checkRef(what, ref); err != nil {
			return err
		}
	}
	if in.Depth < 0 {
		return errors.New("the depth must be 0, which is the whole history, or more")
	}
	if in.Mirror != "" && len(in.Paths) > 0 {
		return errors.New("a mirror gives all files, and with paths but some are fetched: leave out one of the two")
	}
	for _, p := range in.Paths {
		if err := checkPath(p); err != nil {
			return err
		}
	}
	return nil
}

// recipient is the host that gets the credentials. Whoever causes an event may choose
// the URL, and so where they would be sent.
func recipient(remote Remote, in Input) (string, error) {
	if in.Host != "" && !remote.SameHost(in.Host) {
		return "", fmt.Errorf("the URL's host is %s, and the credentials are for %s: they are not sent to another", remote.Host(), in.Host)
	}
	if remote.Scheme() == schemeHTTP && !in.PlainHTTP {
		return "", errors.New("credentials are not sent over http://, where everybody on the way reads them: use https://, or allow it (http=true, --http)")
	}
	return remote.Host(), nil
}

// checkRef takes what git takes for the name of a ref, and no pattern, range, option
// or pair of names.
func checkRef(what, ref string) error {
	if name, is := unset(ref); is {
		return errors.New("the " + what + " " + unsetAdvice(name))
	}
	bad := ref == "@" || strings.ContainsAny(ref, `~^:?*[\`) || strings.ContainsFunc(ref, invisible) ||
		strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.HasPrefix(ref, "-") || strings.HasPrefix(ref, "+")
	for part := range strings.SplitSeq(ref, "/") {
		bad = bad || part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("the %s %.100q is neither a commit's whole hash nor the name of a branch or tag", what, ref)
	}
	return nil
}

// checkPath takes folders as git's sparse checkout does, without patterns.
func checkPath(p string) error {
	clean := path.Clean(p)
	switch {
	case p == "" || clean == "." || path.IsAbs(p) || clean == ".." || strings.HasPrefix(clean, "../"):
		return fmt.Errorf("the path %.100q must be a folder of the repository, such as docs or web/src", p)
	case strings.HasPrefix(p, "-") || strings.ContainsAny(p, `*?[]\!"#`) || strings.ContainsFunc(p, unicode.IsControl):
		return fmt.Errorf("the path %.100q must be a folder's name, and no pattern", p)
	}
	return nil
}
