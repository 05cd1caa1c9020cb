package githost

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// Limits of what is put into an address.
const (
	maxSegment  = 255
	maxSegments = 21 // A group of GitLab has 20 levels at most.
)

var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// invalid is the error for a value that can't be what it should be.
func invalid(what, value string) error {
	return fault.New(v1alpha1.ReasonInvalidSpec, printable.Text(printable.Cut(value, maxSegment))+" is no "+what)
}

// segments splits a repository's name. It has at least two, each of which stays within
// its place in an address.
func segments(repository string) ([]string, error) {
	parts := strings.Split(repository, "/")
	if len(parts) < 2 || len(parts) > maxSegments {
		return nil, invalid("name of a repository", repository)
	}
	for _, part := range parts {
		if !isSegment(part) {
			return nil, invalid("name of a repository", repository)
		}
	}
	return parts, nil
}

func isSegment(part string) bool {
	return part != "" && part != "." && part != ".." && len(part) <= maxSegment && printable.Text(part) == part && !strings.ContainsAny(part, `/\?#%`)
}

// pair returns an address's path with the owner and the name of a repository, escaped.
func pair(before, repository, between string) (string, error) {
	parts, err := segments(repository)
	if err == nil && len(parts) != 2 {
		err = invalid("name of a repository", repository)
	}
	if err != nil {
		return "", err
	}
	return before + url.PathEscape(parts[0]) + between + url.PathEscape(parts[1]), nil
}

func checkCommit(sha string) error {
	if !commit.MatchString(sha) {
		return invalid("commit", sha)
	}
	return nil
}

func checkUser(user string) error {
	if !isSegment(user) {
		return invalid("user's name", user)
	}
	return nil
}

func (of *Change) check() error {
	if err := checkCommit(of.Before); err != nil {
		return err
	}
	return checkCommit(of.After)
}
