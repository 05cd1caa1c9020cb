package configrepo

import (
	"context"

	"github.com/kayci/kayci/sync/git"
)

// Git reads real repositories.
type Git struct {
	// Limits of a fetch.
	Limits git.Limits
	// Proxy of requests that name none; nil is none.
	Proxy git.Proxy
}

func (g Git) with(req git.Request) git.Request {
	req.Limits = g.Limits
	if req.Proxy == nil {
		req.Proxy = g.Proxy
	}
	return req
}

// Head is git.Head within the limits.
func (g Git) Head(ctx context.Context, req git.Request) (git.Revision, error) {
	return git.Head(ctx, g.with(req))
}

// Fetch is git.Fetch within the limits.
func (g Git) Fetch(ctx context.Context, req git.Request, rev git.Revision) error {
	return git.Fetch(ctx, g.with(req), rev)
}

// Checkout is git.Checkout within the limits.
func (g Git) Checkout(ctx context.Context, req git.Request, rev git.Revision, dir string) (left int, err error) {
	return git.Checkout(ctx, g.with(req), rev, dir)
}
