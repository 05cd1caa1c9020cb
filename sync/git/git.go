package git

import (
	"context"
	"errors"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// Head asks the server, in one round trip, which commit the request's ref is at.
// A request that names a commit is answered without asking.
func Head(ctx context.Context, req Request) (Revision, error) {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req)
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
		return Revision{}, report.fail(ReasonRefNotFound, "%s: %s", doing, err.Error())
	}
	return revision, nil
}

// Fetch brings a revision's commit into the store unless it is there. It takes
// little memory, so many may wait for slow servers at once.
func Fetch(ctx context.Context, req Request, rev Revision) error {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req)
	return locked(ctx, req, rev, report, func() error {
		s, err := openStore(req.Store)
		if errors.Is(err, errDamaged) || err == nil && !s.fits(req.Limits) {
			if err := os.RemoveAll(req.Store); err != nil {
				return report.fail(ReasonStorageFailed, "remove a store of no use: %v", err)
			}
			s, err = openStore(req.Store)
		}
		commit := plumbing.NewHash(rev.Commit)
		if err != nil || s.has(commit) || s.hasIncoming(commit) {
			return err
		}
		return fetch(ctx, s, req, rev, report)
	})
}

// Checkout writes the tree of a revision that Fetch has brought into dir, an
// existing empty folder. Submodules are left out and symlinks are written as they
// are, so read dir through os.Root. A store that turns out to be damaged is
// removed: another Fetch helps. It returns how many files and folders outside of
// the request's path were left out for the limits, or because of their names.
func Checkout(ctx context.Context, req Request, rev Revision, dir string) (left int, _ error) {
	req.Limits = req.Limits.withDefaults()
	report := newReporter(req)
	err := locked(ctx, req, rev, report, func() (err error) {
		left, err = checkout(ctx, req, rev, dir, report)
		if !errors.Is(err, errDamaged) {
			return err
		}
		if err := os.RemoveAll(req.Store); err != nil {
			return report.fail(ReasonStorageFailed, "remove a damaged store: %v", err)
		}
		return report.fail(ReasonStorageFailed, "check out %s: %v", rev, err)
	})
	return left, err
}

// locked does something to a store that nobody else may use meanwhile.
func locked(ctx context.Context, req Request, rev Revision, report reporter, do func() error) error {
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
	if err := do(); err != nil {
		return report.wrap(ctx, "check out "+rev.String(), err)
	}
	return nil
}

func checkout(ctx context.Context, req Request, rev Revision, dir string, report reporter) (left int, err error) {
	s, err := openStore(req.Store)
	if err != nil {
		return 0, err
	}
	commit := plumbing.NewHash(rev.Commit)
	if err := s.unpack(commit); err != nil {
		return 0, err
	}
	return writeTree(ctx, s, commit, dir, req, report)
}
