package event

import (
	"net/url"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

// OfHead is the push that a look at a repository tells of: a branch or tag leads to
// another commit than before. Blank before: it is new. Nobody says who has pushed,
// which commits and paths, or whether commits were taken away.
func OfHead(address, ref, before, sha string) (*Event, error) {
	e := &Event{
		Kind: v1alpha1.EventPush, Repository: repositoryOf(address), CloneURL: address,
		Ref: ref, SHA: sha, Before: before, Created: before == "",
		PathsGap: "a look at the repository tells no paths",
	}
	if branch, ok := strings.CutPrefix(ref, branchPrefix); ok {
		e.Branch = branch
	}
	if tag, ok := strings.CutPrefix(ref, tagPrefix); ok {
		e.Tag = tag
	}
	return e, e.checkNames()
}

// repositoryOf is the path of an address, as hosts name their repositories.
func repositoryOf(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.Trim(parsed.Path, "/"), ".git")
}
