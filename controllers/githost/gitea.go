package githost

import (
	"context"
	"net/url"
)

// gitea is Gitea or Forgejo below /api/v1.
type gitea struct{ hub }

// ChangedPaths implements Host.
func (g *gitea) ChangedPaths(ctx context.Context, repository string, of Change) (found []string, complete bool, err error) {
	path, err := g.repository(repository)
	switch {
	case err != nil:
		return nil, false, err
	case of.PullRequest == 0:
		return g.compare(ctx, path, of)
	}
	// How many are on a page is the host's to say.
	return g.pullFiles(ctx, path, of.PullRequest, "limit", 1)
}

// compare asks for the commits that have come, each with its files, and for those that
// were taken away.
func (g *gitea) compare(ctx context.Context, path string, of Change) (found []string, complete bool, err error) {
	back := Change{Before: of.After, After: of.Before}
	var all paths
	for _, way := range []Change{of, back} {
		if err = g.commits(ctx, path, way, &all); err != nil {
			break
		}
	}
	return all.result(err)
}

func (g *gitea) commits(ctx context.Context, path string, of Change, all *paths) error {
	if err := of.check(); err != nil {
		return err
	}
	var compared struct {
		Total   int `json:"total_commits"`
		Commits []struct {
			Files []hubFile `json:"files"`
		} `json:"commits"`
	}
	if err := g.do(ctx, get(path+"/compare/"+of.Before+"..."+of.After, url.Values{"verification": {"false"}}), &compared); err != nil {
		return err
	}
	for _, commit := range compared.Commits {
		all.addFiles(commit.Files)
		all.cut = all.cut || commit.Files == nil
	}
	all.cut = all.cut || compared.Total > len(compared.Commits)
	return nil
}
