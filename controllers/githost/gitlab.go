package githost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kayci/kayci/controllers/trigger/event"
)

const (
	// developer is the least access level of GitLab that may push.
	developer = 30
	// maxGitLabDiffs is how many files GitLab lists of a comparison at most.
	maxGitLabDiffs = 1000
)

// gitlab is GitLab below /api/v4.
type gitlab struct{ *caller }

// project returns the path of a project, whose name may have many parts.
func (g *gitlab) project(repository string) (string, error) {
	if _, err := segments(repository); err != nil {
		return "", err
	}
	return "projects/" + url.PathEscape(repository), nil
}

// MayWrite implements Host.
func (g *gitlab) MayWrite(ctx context.Context, repository, user string) (bool, error) {
	path, err := g.project(repository)
	if err == nil {
		err = checkUser(user)
	}
	if err != nil {
		return false, err
	}
	var users []gitlabUser
	if err := g.do(ctx, get("users", url.Values{"username": {user}}), &users); err != nil {
		return false, err
	}
	if len(users) != 1 || !strings.EqualFold(users[0].Username, user) {
		return false, nil
	}
	var member struct {
		State string `json:"state"`
		Level int    `json:"access_level"`
	}
	err = g.do(ctx, get(path+"/members/all/"+strconv.FormatInt(users[0].ID, 10), nil), &member)
	if said := answered(err); said != nil && said.code == http.StatusNotFound && !strings.Contains(said.words, "Project") {
		return false, nil // No member.
	}
	return err == nil && member.State == "active" && member.Level >= developer, err
}

type gitlabUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
}

// gitlabMerge is a merge request.
type gitlabMerge struct {
	IID    int64      `json:"iid"`
	Title  string     `json:"title"`
	SHA    string     `json:"sha"`
	Draft  bool       `json:"draft"`
	URL    string     `json:"web_url"`
	Source string     `json:"source_branch"`
	Target string     `json:"target_branch"`
	From   int64      `json:"source_project_id"`
	To     int64      `json:"target_project_id"`
	Labels []string   `json:"labels"`
	Author gitlabUser `json:"author"`
}

type gitlabProject struct {
	Path string `json:"path_with_namespace"`
	URL  string `json:"http_url_to_repo"`
}

// PullRequest implements Host.
func (g *gitlab) PullRequest(ctx context.Context, repository string, number int64) (*event.Event, error) {
	path, err := g.project(repository)
	if err != nil {
		return nil, err
	}
	var merge gitlabMerge
	if err := g.do(ctx, get(fmt.Sprintf("%s/merge_requests/%d", path, number), nil), &merge); err != nil {
		return nil, err
	}
	var base gitlabProject
	if err := g.do(ctx, get(path, nil), &base); err != nil {
		return nil, err
	}
	head := base
	if merge.From != merge.To {
		head = gitlabProject{}
		// The token may not see the fork, or the fork is gone.
		err := g.do(ctx, get("projects/"+strconv.FormatInt(merge.From, 10), nil), &head)
		if err != nil && answered(err) == nil {
			return nil, err
		}
	}
	return pullRequest(&event.Event{
		Repository: base.Path, CloneURL: base.URL, SHA: merge.SHA, Ref: fmt.Sprintf("refs/merge-requests/%d/head", merge.IID),
		PullRequest: event.PullRequest{
			Number: merge.IID, Title: merge.Title, Author: merge.Author.Username, Draft: merge.Draft, Head: merge.Source, Base: merge.Target,
			HeadRepository: head.Path, Labels: merge.Labels, URL: merge.URL,
		},
	})
}

// gitlabDiff is a file that was changed.
type gitlabDiff struct {
	Old string `json:"old_path"`
	New string `json:"new_path"`
}

// ChangedPaths implements Host.
func (g *gitlab) ChangedPaths(ctx context.Context, repository string, of Change) (found []string, complete bool, err error) {
	path, err := g.project(repository)
	switch {
	case err != nil:
		return nil, false, err
	case of.PullRequest == 0:
		return g.compare(ctx, path, of)
	}
	var all paths
	err = all.eachPage(func(page int) (bool, error) {
		var diffs []gitlabDiff
		query := url.Values{"per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}}
		err := g.do(ctx, get(fmt.Sprintf("%s/merge_requests/%d/diffs", path, of.PullRequest), query), &diffs)
		all.addDiffs(diffs)
		return len(diffs) == pageSize, err
	})
	all.cut = all.cut || len(all.found) >= maxGitLabDiffs
	return all.result(err)
}

func (p *paths) addDiffs(diffs []gitlabDiff) {
	for _, diff := range diffs {
		p.add(diff.Old, diff.New)
	}
}

// compare asks what two commits differ in, whatever they have in common.
func (g *gitlab) compare(ctx context.Context, path string, of Change) (found []string, complete bool, err error) {
	if err := of.check(); err != nil {
		return nil, false, err
	}
	var compared struct {
		Diffs    []gitlabDiff `json:"diffs"`
		TimedOut bool         `json:"compare_timeout"`
	}
	query := url.Values{"from": {of.Before}, "to": {of.After}, "straight": {"true"}}
	err = g.do(ctx, get(path+"/repository/compare", query), &compared)
	all := paths{cut: compared.TimedOut || len(compared.Diffs) >= maxGitLabDiffs}
	all.addDiffs(compared.Diffs)
	return all.result(err)
}

// gitlabState is the state's name.
func gitlabState(state State) string {
	switch state {
	case Running:
		return "running"
	case Success:
		return "success"
	case Failure:
		return "failed"
	case Cancelled:
		return "canceled"
	case Pending:
	}
	return "pending"
}

// SetStatus implements Host. GitLab refuses what is there already, and what would take
// a job of that name back from running to pending: it shows no other state then.
func (g *gitlab) SetStatus(ctx context.Context, repository, sha string, status *Status) error {
	path, err := g.project(repository)
	if err == nil {
		err = checkCommit(sha)
	}
	if err != nil {
		return err
	}
	body := map[string]string{"state": gitlabState(status.State), "name": status.Context, "description": status.Description}
	if status.URL != "" {
		body["target_url"] = status.URL
	}
	err = g.do(ctx, post(path+"/statuses/"+sha, body), nil)
	if said := answered(err); said != nil && said.code == http.StatusBadRequest && strings.Contains(said.words, "Cannot transition status") {
		return nil
	}
	return err
}

// Comment implements Host.
func (g *gitlab) Comment(ctx context.Context, repository string, number int64, body string) error {
	path, err := g.project(repository)
	if err != nil {
		return err
	}
	return g.do(ctx, post(fmt.Sprintf("%s/merge_requests/%d/notes", path, number), map[string]string{"body": body}), nil)
}

// React implements Reactor. GitLab refuses what is there already.
func (g *gitlab) React(ctx context.Context, repository string, number int64, to event.Remark, with Reaction) error {
	path, err := g.project(repository)
	if err != nil {
		return err
	}
	name := "thumbsdown"
	if with == ThumbsUp {
		name = "thumbsup"
	}
	err = g.do(ctx, post(fmt.Sprintf("%s/merge_requests/%d/notes/%d/award_emoji", path, number, to.ID), map[string]string{"name": name}), nil)
	if said := answered(err); said != nil && strings.Contains(said.words, "already been taken") {
		return nil
	}
	return err
}
