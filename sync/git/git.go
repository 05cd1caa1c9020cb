package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// Head asks the server, in one round trip, which commit the request's ref is at.
// A request that names a commit is answered without asking.
func Head(ctx context.Context, req Request) (Revision, error) {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req.Auth)
	if req.Ref != nil && req.Ref.Commit != "" {
		_, err := parseTarget(req.URL, report)
		return Revision{Commit: req.Ref.Commit}, err
	}
	if err := prepareStore(req.Store); err != nil {
		return Revision{}, report.fail(ReasonStorageFailed, "prepare the store: %v", err)
	}
	conversation, to, err := open(ctx, req, report)
	if err != nil {
		return Revision{}, err
	}
	defer conversation.Close()
	doing := "list the references of " + to.String()
	refs, err := conversation.AdvertisedReferencesContext(ctx)
	if err != nil {
		return Revision{}, report.wrap(ctx, doing, err)
	}
	revision, err := resolve(refs, req.Ref)
	if err != nil {
		return Revision{}, report.fail(ReasonRefNotFound, "%s: %v", doing, err)
	}
	return revision, nil
}

// Checkout writes the tree of a revision into dir, an existing empty folder, and
// fetches the commit first unless the store has it. Submodules are left out and
// symlinks are written as they are, so read dir through os.Root.
func Checkout(ctx context.Context, req Request, rev Revision, dir string) error {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req.Auth)
	if !plumbing.IsHash(rev.Commit) {
		return report.fail(ReasonRefNotFound, "%q is no commit", rev.Commit)
	}
	if err := prepareStore(req.Store); err != nil {
		return report.fail(ReasonStorageFailed, "prepare the store: %v", err)
	}
	unlock, err := lockStore(ctx, req.Store)
	if err != nil {
		return report.wrap(ctx, "wait for the store", err)
	}
	defer unlock()
	err = checkout(ctx, req, rev, dir, report)
	if errors.Is(err, errDamaged) {
		if err := errors.Join(os.RemoveAll(req.Store), empty(dir)); err != nil {
			return report.fail(ReasonStorageFailed, "remove a damaged store: %v", err)
		}
		err = checkout(ctx, req, rev, dir, report)
	}
	if err != nil {
		return report.wrap(ctx, "check out "+rev.String(), err)
	}
	return nil
}

func checkout(ctx context.Context, req Request, rev Revision, dir string, report reporter) error {
	s, err := openStore(req.Store)
	if err != nil {
		return err
	}
	commit := plumbing.NewHash(rev.Commit)
	if !s.has(commit) {
		if err := fetch(ctx, s, req, rev, report); err != nil {
			return err
		}
	}
	return writeTree(ctx, s.objects, commit, dir, req.Limits, report)
}

// empty removes what a checkout that failed has left in a folder.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
	}
	return err
}
