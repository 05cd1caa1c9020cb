package githost

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/controllers/trigger/event"
)

// bitbucketServer is Bitbucket Data Center below /rest/api/1.0. A repository's owner is
// its project's key, or a tilde and a user.
type bitbucketServer struct{ *caller }

func (b *bitbucketServer) repository(repository string) (string, error) {
	return pair("projects/", repository, "/repos/")
}

// MayWrite implements Host. It asks who, of the users found by the name, has the
// permission in the end, by whatever group.
func (b *bitbucketServer) MayWrite(ctx context.Context, repository, user string) (bool, error) {
	if _, err := b.repository(repository); err != nil {
		return false, err
	}
	if err := checkUser(user); err != nil {
		return false, err
	}
	project, slug, _ := strings.Cut(repository, "/")
	var found struct {
		Values []struct {
			Name   string `json:"name"`
			Active bool   `json:"active"`
		} `json:"values"`
	}
	err := b.do(ctx, get("users", url.Values{
		"filter": {user}, "limit": {strconv.Itoa(pageSize)}, "permission.1": {"REPO_WRITE"},
		"permission.1.projectKey": {project}, "permission.1.repositorySlug": {slug},
	}), &found)
	for _, each := range found.Values {
		if strings.EqualFold(each.Name, user) && each.Active {
			return true, err
		}
	}
	return false, err
}

type serverPull struct {
	ID     int64  `json:"id"`
	Title  string `json:"title"`
	Draft  bool   `json:"draft"`
	Author struct {
		User struct {
			Name string `json:"name"`
		} `json:"user"`
	} `json:"author"`
	From  serverRef `json:"fromRef"`
	To    serverRef `json:"toRef"`
	Links struct {
		Self []serverLink `json:"self"`
	} `json:"links"`
}

type serverRef struct {
	Name       string `json:"displayId"`
	Commit     string `json:"latestCommit"`
	Repository *struct {
		Slug    string `json:"slug"`
		Project struct {
			Key string `json:"key"`
		} `json:"project"`
		Links struct {
			Clone []serverLink `json:"clone"`
		} `json:"links"`
	} `json:"repository"`
}

type serverLink struct {
	Href string `json:"href"`
	Name string `json:"name"`
}

func (r *serverRef) repository() string {
	if r.Repository == nil {
		return ""
	}
	return r.Repository.Project.Key + "/" + r.Repository.Slug
}

func (r *serverRef) cloneURL() string {
	if r.Repository == nil {
		return ""
	}
	links := r.Repository.Links.Clone
	if at := slices.IndexFunc(links, func(link serverLink) bool { return link.Name == "http" || link.Name == "https" }); at >= 0 {
		return links[at].Href
	}
	return ""
}

// PullRequest implements Host.
func (b *bitbucketServer) PullRequest(ctx context.Context, repository string, number int64) (*event.Event, error) {
	path, err := b.repository(repository)
	if err != nil {
		return nil, err
	}
	var pull serverPull
	if err := b.do(ctx, get(fmt.Sprintf("%s/pull-requests/%d", path, number), nil), &pull); err != nil {
		return nil, err
	}
	e := &event.Event{
		Repository: pull.To.repository(), CloneURL: pull.To.cloneURL(), SHA: pull.From.Commit, Ref: fmt.Sprintf("refs/pull-requests/%d/from", pull.ID),
		PullRequest: event.PullRequest{
			Number: pull.ID, Title: pull.Title, Author: pull.Author.User.Name, Draft: pull.Draft, Head: pull.From.Name, Base: pull.To.Name,
			HeadRepository: pull.From.repository(),
		},
	}
	if len(pull.Links.Self) > 0 {
		e.PullRequest.URL = pull.Links.Self[0].Href
	}
	return pullRequest(e)
}

// ChangedPaths implements Host.
func (b *bitbucketServer) ChangedPaths(ctx context.Context, repository string, of Change) (found []string, complete bool, err error) {
	path, err := b.repository(repository)
	if err == nil && of.PullRequest == 0 {
		err = of.check()
	}
	if err != nil {
		return nil, false, err
	}
	if of.PullRequest != 0 {
		return b.changes(ctx, fmt.Sprintf("%s/pull-requests/%d/changes", path, of.PullRequest), url.Values{})
	}
	return b.changes(ctx, path+"/compare/changes", url.Values{"from": {of.After}, "to": {of.Before}})
}

func (b *bitbucketServer) changes(ctx context.Context, path string, query url.Values) (found []string, complete bool, err error) {
	var all paths
	query.Set("limit", strconv.Itoa(pageSize))
	err = all.eachPage(func(int) (bool, error) {
		var files struct {
			Values []struct {
				Path   serverPath `json:"path"`
				Source serverPath `json:"srcPath"`
			} `json:"values"`
			Last bool  `json:"isLastPage"`
			Next int64 `json:"nextPageStart"`
		}
		err := b.do(ctx, get(path, query), &files)
		for _, file := range files.Values {
			all.add(file.Path.Whole, file.Source.Whole)
		}
		query.Set("start", strconv.FormatInt(files.Next, 10))
		return !files.Last, err
	})
	return all.result(err)
}

type serverPath struct {
	Whole string `json:"toString"`
}

// SetStatus implements Host. A status without a page gets the commit's: Bitbucket
// takes none without.
func (b *bitbucketServer) SetStatus(ctx context.Context, repository, sha string, status *Status) error {
	path, err := b.repository(repository)
	if err == nil {
		err = checkCommit(sha)
	}
	if err != nil {
		return err
	}
	page := url.URL{Scheme: b.base.Scheme, Host: b.base.Host}
	before, _, _ := strings.Cut(b.base.Path, "/rest/")
	return b.do(ctx, post(path+"/commits/"+sha+"/builds", &bitbucketStatus{
		Key: status.Context, State: bitbucketState(status.State, "FAILED"), Name: status.Context, Description: status.Description,
		URL: cmp.Or(status.URL, page.JoinPath(before, path, "commits", sha).String()),
	}), nil)
}

// Comment implements Host.
func (b *bitbucketServer) Comment(ctx context.Context, repository string, number int64, body string) error {
	path, err := b.repository(repository)
	if err != nil {
		return err
	}
	return b.do(ctx, post(fmt.Sprintf("%s/pull-requests/%d/comments", path, number), map[string]string{"text": body}), nil)
}
