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

// hub is what GitHub's API and Gitea's have in common: Gitea's follows GitHub's.
type hub struct{ *caller }

func (h *hub) repository(repository string) (string, error) { return pair("repos/", repository, "/") }

// MayWrite implements Host.
func (h *hub) MayWrite(ctx context.Context, repository, user string) (bool, error) {
	path, err := h.repository(repository)
	if err == nil {
		err = checkUser(user)
	}
	if err != nil {
		return false, err
	}
	var has hubPermission
	err = h.do(ctx, get(path+"/collaborators/"+url.PathEscape(user)+"/permission", nil), &has)
	if said := answered(err); said != nil && said.code == http.StatusNotFound && strings.Contains(said.words, "user") {
		return false, nil // Nobody has this name.
	}
	return has.writes(), err
}

// PullRequest implements Host.
func (h *hub) PullRequest(ctx context.Context, repository string, number int64) (*event.Event, error) {
	path, err := h.repository(repository)
	if err != nil {
		return nil, err
	}
	var pull hubPull
	if err := h.do(ctx, get(fmt.Sprintf("%s/pulls/%d", path, number), nil), &pull); err != nil {
		return nil, err
	}
	return pull.event()
}

// SetStatus implements Host.
func (h *hub) SetStatus(ctx context.Context, repository, sha string, status *Status) error {
	path, err := h.repository(repository)
	if err == nil {
		err = checkCommit(sha)
	}
	if err != nil {
		return err
	}
	return h.do(ctx, post(path+"/statuses/"+sha, hubStatusOf(status)), nil)
}

// Comment implements Host.
func (h *hub) Comment(ctx context.Context, repository string, number int64, body string) error {
	path, err := h.repository(repository)
	if err != nil {
		return err
	}
	return h.do(ctx, post(fmt.Sprintf("%s/issues/%d/comments", path, number), hubComment{body}), nil)
}

// React implements Reactor. GitHub keeps comments on lines elsewhere.
func (h *hub) React(ctx context.Context, repository string, _ int64, to event.Remark, with Reaction) error {
	path, err := h.repository(repository)
	if err != nil {
		return err
	}
	list := "issues"
	if to.Line {
		list = "pulls"
	}
	return h.do(ctx, post(fmt.Sprintf("%s/%s/comments/%d/reactions", path, list, to.ID), map[string]Reaction{"content": with}), nil)
}

// pullFiles lists the files of a pull request. A page of at least so many isn't the
// last.
func (h *hub) pullFiles(ctx context.Context, path string, number int64, sizeName string, full int) (found []string, complete bool, err error) {
	var all paths
	err = all.eachPage(func(page int) (bool, error) {
		var files []hubFile
		query := url.Values{sizeName: {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}}
		err := h.do(ctx, get(fmt.Sprintf("%s/pulls/%d/files", path, number), query), &files)
		all.addFiles(files)
		return len(files) >= full, err
	})
	return all.result(err)
}

// hubPull is a pull request in the words of GitHub and Gitea.
type hubPull struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	Draft  bool   `json:"draft"`
	URL    string `json:"html_url"`
	Merge  string `json:"merge_commit_sha"`
	User   struct {
		Login string `json:"login"`
	} `json:"user"`
	Labels []struct {
		Name string `json:"name"`
	} `json:"labels"`
	Head, Base hubBranch
}

type hubBranch struct {
	Ref  string   `json:"ref"`
	SHA  string   `json:"sha"`
	Repo *hubRepo `json:"repo"`
}

type hubRepo struct {
	FullName string `json:"full_name"`
	CloneURL string `json:"clone_url"`
}

func (p *hubPull) event() (*event.Event, error) {
	e := &event.Event{
		SHA: p.Head.SHA, MergeSHA: p.Merge, Ref: fmt.Sprintf("refs/pull/%d/head", p.Number),
		PullRequest: event.PullRequest{
			Number: p.Number, Title: p.Title, Author: p.User.Login, Draft: p.Draft, Head: p.Head.Ref, Base: p.Base.Ref, URL: p.URL,
		},
	}
	if repo := p.Base.Repo; repo != nil {
		e.Repository, e.CloneURL = repo.FullName, repo.CloneURL
	}
	if repo := p.Head.Repo; repo != nil {
		e.PullRequest.HeadRepository = repo.FullName
	}
	for _, label := range p.Labels {
		e.PullRequest.Labels = append(e.PullRequest.Labels, label.Name)
	}
	return pullRequest(e)
}

// hubFile is a file that was changed, in the words of GitHub and Gitea.
type hubFile struct {
	Name     string `json:"filename"`
	Previous string `json:"previous_filename"`
}

func (p *paths) addFiles(files []hubFile) {
	for _, file := range files {
		p.add(file.Name, file.Previous)
	}
}

// hubStatus is a status in the words of GitHub and Gitea.
type hubStatus struct {
	State       string `json:"state"`
	Context     string `json:"context"`
	Description string `json:"description"`
	URL         string `json:"target_url,omitempty"`
}

// hubState is the state's name at GitHub and Gitea. Neither knows cancelled: error is
// what nobody takes for a verdict on the commit.
func hubState(state State) string {
	switch state {
	case Success:
		return "success"
	case Failure:
		return "failure"
	case Cancelled:
		return "error"
	case Pending, Running:
	}
	return "pending"
}

func hubStatusOf(status *Status) hubStatus {
	return hubStatus{hubState(status.State), status.Context, status.Description, status.URL}
}

type hubComment struct {
	Body string `json:"body"`
}

// hubPermission is what a user may do in a repository.
type hubPermission struct {
	Permission string `json:"permission"`
}

// writes reports whether it includes to push. GitHub says write for maintain, too.
func (p *hubPermission) writes() bool {
	return p.Permission == "write" || p.Permission == "admin" || p.Permission == "owner"
}
