package git

import (
	"context"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

// fetch brings a commit, without its history, into the store. The server always
// sends the whole tree: at a depth of one commit it could only send a difference
// as a thin pack, which go-git can't store.
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
	err = download(ctx, conversation, s, packRequest(refs, want, req.Limits), rev, req.Limits, report)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "not our ref"):
		return report.fail(ReasonRefNotFound, "%s: the server doesn't have this commit", doing)
	default:
		return report.wrap(ctx, doing, err)
	}
}

// packRequest asks for a commit without its history. It offers what git offers
// where it makes no difference, as with nothing to acknowledge: some servers
// refuse a client without.
func packRequest(refs *packp.AdvRefs, want plumbing.Hash, limits Limits) *packp.UploadPackRequest {
	req := packp.NewUploadPackRequest()
	req.Wants = []plumbing.Hash{want}
	req.Depth = packp.DepthCommits(1)
	offer := func(one ...capability.Capability) bool {
		for _, c := range one {
			if refs.Capabilities.Supports(c) {
				return req.Capabilities.Set(c) == nil
			}
		}
		return false
	}
	offer(capability.MultiACKDetailed, capability.MultiACK)
	offer(capability.Sideband64k)
	offer(capability.NoProgress)
	offer(capability.Shallow)
	offer(capability.OFSDelta)
	if offer(capability.Filter) {
		// Files are left out that are of this size or more.
		req.Filter = packp.FilterBlobLimit(uint64(limits.FileBytes)+1, packp.BlobLimitPrefixNone)
	}
	return req
}

func download(ctx context.Context, from session, s *store, req *packp.UploadPackRequest, rev Revision, limits Limits, report reporter) error {
	response, err := from.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer response.Close()
	pack := io.Reader(response)
	if req.Capabilities.Supports(capability.Sideband64k) {
		pack = sideband.NewDemuxer(sideband.Sideband64k, response)
	}
	return s.receive(pack, plumbing.NewHash(rev.Commit), req.Filter != "", limits, report)
}
