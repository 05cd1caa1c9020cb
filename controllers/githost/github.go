package githost

import "context"

// maxCompared is how many files GitHub lists of what two commits differ in.
const maxCompared = 300

// github is GitHub.com, and GitHub Enterprise below /api/v3.
type github struct{ hub }

// ChangedPaths implements Host.
func (g *github) ChangedPaths(ctx context.Context, repository string, of Change) (found []string, complete bool, err error) {
	path, err := g.repository(repository)
	switch {
	case err != nil:
		return nil, false, err
	case of.PullRequest == 0:
		return g.compare(ctx, path, of)
	}
	return g.pullFiles(ctx, path, of.PullRequest, "per_page", pageSize)
}

// compare asks what has come since the commits' common ancestor: where commits were
// taken away, what those had changed is not in it.
func (g *github) compare(ctx context.Context, path string, of Change) (found []string, complete bool, err error) {
	if err := of.check(); err != nil {
		return nil, false, err
	}
	var compared struct {
		Status string    `json:"status"`
		Files  []hubFile `json:"files"`
	}
	err = g.do(ctx, get(path+"/compare/"+of.Before+"..."+of.After, nil), &compared)
	forward := compared.Status == "ahead" || compared.Status == "identical"
	all := paths{cut: !forward || len(compared.Files) >= maxCompared}
	all.addFiles(compared.Files)
	return all.result(err)
}
