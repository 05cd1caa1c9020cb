package git

import (
	"context"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// References are the branches and tags of a repository.
type References struct {
	// Default is the branch that the server's HEAD names, in full: refs/heads/main.
	// Blank if HEAD names none that there is.
	Default string
	// Commits are those that each branch and tag leads to, by the full name of the
	// reference.
	Commits map[string]string
}

// List asks the server, in one round trip, for its branches and tags. The request's
// ref says nothing here, and nothing stays in its store. A repository that is empty has none.
func List(ctx context.Context, req Request) (References, error) {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req)
	if err := prepareStore(req.Store); err != nil {
		return References{}, report.fail(ReasonStorageFailed, "prepare the store: %v", err)
	}
	conversation, to, err := open(ctx, req, report)
	if err != nil {
		return References{}, err
	}
	defer conversation.Close()
	refs, err := conversation.AdvertisedReferencesContext(ctx)
	switch {
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return References{Commits: map[string]string{}}, nil
	case err != nil:
		return References{}, report.wrap(ctx, "list the references of "+to.String(), err)
	}
	return references(refs), nil
}

// references are the branches and tags that a server advertises. An annotated tag
// leads to the commit that it is about.
func references(refs *packp.AdvRefs) References {
	found := References{Commits: map[string]string{}}
	for name, hash := range refs.References {
		if !strings.HasPrefix(name, "refs/heads/") && !strings.HasPrefix(name, "refs/tags/") {
			continue
		}
		if peeled, ok := refs.Peeled[name]; ok {
			hash = peeled
		}
		found.Commits[name] = hash.String()
	}
	branch := "refs/heads/" + headName(refs)
	if _, ok := found.Commits[branch]; ok {
		found.Default = branch
	}
	return found
}
