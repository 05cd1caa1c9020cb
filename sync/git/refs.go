package git

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/kayci/kayci/api/v1alpha1"
)

// resolve finds the commit of a ref in what the server advertises.
func resolve(refs *packp.AdvRefs, ref *v1alpha1.GitRef) (Revision, error) {
	switch {
	case ref != nil && ref.Branch != "":
		hash, ok := refs.References["refs/heads/"+ref.Branch]
		if !ok {
			return Revision{}, fmt.Errorf("there is no branch %q", ref.Branch)
		}
		return Revision{Ref: ref.Branch, Commit: hash.String()}, nil
	case ref != nil && ref.Tag != "":
		name := "refs/tags/" + ref.Tag
		hash, ok := refs.References[name]
		if !ok {
			return Revision{}, fmt.Errorf("there is no tag %q", ref.Tag)
		}
		if peeled, ok := refs.Peeled[name]; ok {
			hash = peeled
		}
		return Revision{Ref: ref.Tag, Commit: hash.String()}, nil
	case refs.Head == nil:
		return Revision{}, errors.New("the server's HEAD names no commit: set spec.ref")
	default:
		return Revision{Ref: headName(refs), Commit: refs.Head.String()}, nil
	}
}

// headName is the branch that HEAD is a symbolic reference to.
func headName(refs *packp.AdvRefs) string {
	for _, pair := range refs.Capabilities.Get(capability.SymRef) {
		if name, ok := strings.CutPrefix(pair, "HEAD:refs/heads/"); ok {
			return name
		}
	}
	return "HEAD"
}

// wanted finds what to ask for to get a commit: a reference that is at it or, if
// the server lets clients name commits, the commit.
func wanted(refs *packp.AdvRefs, commit plumbing.Hash) (plumbing.Hash, bool) {
	for _, hash := range refs.References {
		if hash == commit {
			return hash, true
		}
	}
	for name, peeled := range refs.Peeled {
		if peeled == commit {
			return refs.References[name], true
		}
	}
	byName := refs.Capabilities.Supports(capability.AllowReachableSHA1InWant) || refs.Capabilities.Supports(capability.AllowTipSHA1InWant)
	return commit, byName || (refs.Head != nil && *refs.Head == commit)
}

// isSHA256 reports whether the beginning of a server's list of references says
// that it names objects by SHA-256.
func isSHA256(list beginning) bool {
	return bytes.Contains(list.bytes, []byte("object-format=sha256"))
}
