package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// fetch brings a commit, without its history, into the store. Commits that the
// store has already are offered to the server, which then sends the difference.
func fetch(ctx context.Context, s *store, req Request, rev Revision, report reporter) error {
	conversation, to, err := open(ctx, req, report)
	if err != nil {
		return err
	}
	defer conversation.Close()
	doing := "fetch " + rev.String() + " from " + to.String()
	refs, err := conversation.AdvertisedReferencesContext(ctx)
	if err != nil {
		return report.wrap(ctx, doing, err)
	}
	want, ok := wanted(refs, plumbing.NewHash(rev.Commit))
	switch {
	case !ok && rev.Ref == "":
		return report.fail(ReasonRefNotFound, "%s: no branch or tag is at this commit, and the server lets nobody fetch a commit by its name", doing)
	case !ok:
		return report.fail(ReasonFetchFailed, "%s: %s has moved on meanwhile", doing, rev.Ref)
	case !refs.Capabilities.Supports(capability.Shallow):
		return report.fail(ReasonFetchFailed, "%s: the server can't send a commit without its history", doing)
	}
	known, err := s.objects.Shallow()
	if err != nil {
		return fmt.Errorf("%s: %w: %w", doing, errDamaged, err)
	}
	if err := download(ctx, conversation, s, refs, want, known, req.Limits, report); err != nil {
		return explainFetch(ctx, doing, err, len(known) > 0, report)
	}
	return nil
}

// explainFetch classifies what went wrong after the server had answered. If the
// store was part of the deal, the next attempt is made without.
func explainFetch(ctx context.Context, doing string, err error, hadStore bool, report reporter) error {
	var known *Error
	switch {
	case ctx.Err() != nil || errors.As(err, &known) || errors.Is(err, errTooLarge):
		return report.wrap(ctx, doing, err)
	case strings.Contains(err.Error(), "not our ref"):
		return report.fail(ReasonRefNotFound, "%s: the server doesn't have this commit", doing)
	case hadStore:
		return fmt.Errorf("%s: %w: %w", doing, errDamaged, err)
	default:
		return report.wrap(ctx, doing, err)
	}
}

func download(ctx context.Context, from session, s *store, refs *packp.AdvRefs, want plumbing.Hash,
	known []plumbing.Hash, limits Limits, report reporter,
) error {
	req := packp.NewUploadPackRequest()
	req.Wants = []plumbing.Hash{want}
	req.Haves = known
	req.Shallows = known
	req.Depth = packp.DepthCommits(1)
	for _, c := range []capability.Capability{capability.Shallow, capability.OFSDelta} {
		if !refs.Capabilities.Supports(c) {
			continue
		}
		if err := req.Capabilities.Set(c); err != nil {
			return err
		}
	}
	response, err := from.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer response.Close()
	if err := s.receive(response, limits, report); err != nil {
		return err
	}
	shallow := slices.Concat(known, response.Shallows)
	slices.SortFunc(shallow, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	return s.objects.SetShallow(slices.Compact(shallow))
}

// receive keeps the pack in a file until it has been measured, because unpacking
// takes memory by what the pack says of itself.
func (s *store) receive(pack io.Reader, limits Limits, report reporter) error {
	file, err := os.CreateTemp(s.path, "incoming-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := measure(io.TeeReader(&limitedReader{pack, limits.PackBytes}, file), limits, report); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return packfile.UpdateObjectStorage(s.objects, file)
}
