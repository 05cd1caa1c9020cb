package event

import "encoding/json"

// What GitHub, Gitea and Forgejo say alike. Types of one's own rather than the hosts'
// SDKs: those hold every field of a payload, many times its size, and are strict about
// ones that nobody reads.
type (
	alikeRepository struct {
		ID       int64  `json:"id"`
		FullName string `json:"full_name"`
		CloneURL string `json:"clone_url"`
	}
	alikeUser struct {
		Login string `json:"login"`
	}
	// alikeEvent is what all their events say.
	alikeEvent struct {
		Action     string          `json:"action"`
		Repository alikeRepository `json:"repository"`
		Sender     alikeUser       `json:"sender"`
	}
)

// alikePush is a push, beside its commits.
type alikePush struct {
	alikeEvent
	Ref        string `json:"ref"`
	Before     string `json:"before"`
	After      string `json:"after"`
	Forced     bool   `json:"forced"`
	Total      int    `json:"total_commits"`
	HeadCommit struct {
		ID      string `json:"id"`
		Message string `json:"message"`
		URL     string `json:"url"`
		Author  author `json:"author"`
	} `json:"head_commit"`
}

// parseAlikePush reads a push. Counted says that the host tells how many commits there
// are.
func parseAlikePush(payload []byte, counted bool) ([]*Event, error) {
	var head alikePush
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, unreadable(err)
	}
	commits, err := readCommits(payload, "")
	if err != nil {
		return nil, err
	}
	body := push{
		repository: head.Repository.FullName,
		cloneURL:   head.Repository.CloneURL,
		sender:     head.Sender.Login,
		ref:        head.Ref,
		before:     head.Before,
		after:      head.After,
		forced:     head.Forced,
		commit:     head.HeadCommit.ID,
		message:    head.HeadCommit.Message,
		author:     head.HeadCommit.Author.String(),
		url:        head.HeadCommit.URL,
		total:      head.Total,
		counted:    counted,
		commits:    commits,
	}
	return one(body.event())
}

// alikePull is a pull request.
type alikePull struct {
	Number   int64     `json:"number"`
	Title    string    `json:"title"`
	User     alikeUser `json:"user"`
	Draft    *bool     `json:"draft"`
	Labels   labels    `json:"labels"`
	URL      string    `json:"html_url"`
	Merged   bool      `json:"merged"`
	MergeSHA string    `json:"merge_commit_sha"`
	Head     alikeEnd  `json:"head"`
	Base     alikeEnd  `json:"base"`
}

// alikeEnd is one of the two branches of a pull request. A deleted repository is null.
type alikeEnd struct {
	Ref  string           `json:"ref"`
	SHA  string           `json:"sha"`
	Repo *alikeRepository `json:"repo"`
}

// pull says the pull request as all providers do.
func (p *alikePull) pull(of *alikeEvent) pull {
	said := pull{
		repository: of.Repository.FullName,
		cloneURL:   of.Repository.CloneURL,
		sender:     of.Sender.Login,
		number:     p.Number,
		ref:        numbered("refs/pull/%d/head", p.Number),
		title:      p.Title,
		author:     p.User.Login,
		draft:      p.Draft != nil && *p.Draft,
		sha:        p.Head.SHA,
		merge:      p.MergeSHA,
		head:       p.Head.Ref,
		base:       p.Base.Ref,
		fork:       p.fork(),
		labels:     p.Labels,
		url:        p.URL,
	}
	if p.Head.Repo != nil {
		said.headRepository = p.Head.Repo.FullName
	}
	return said
}

// fork compares ids where there are any: a repository that is being renamed has two
// names.
func (p *alikePull) fork() bool {
	head, base := p.Head.Repo, p.Base.Repo
	switch {
	case head == nil || base == nil:
		return true
	case head.ID != 0 && base.ID != 0:
		return head.ID != base.ID
	default:
		return head.FullName == "" || head.FullName != base.FullName
	}
}

// alikeComment is a comment, on an issue or a pull request.
type alikeComment struct {
	alikeEvent
	Comment struct {
		ID   int64     `json:"id"`
		Body string    `json:"body"`
		URL  string    `json:"html_url"`
		User alikeUser `json:"user"`
	} `json:"comment"`
	Issue struct {
		Number int64     `json:"number"`
		Title  string    `json:"title"`
		User   alikeUser `json:"user"`
		Draft  *bool     `json:"draft"`
		Labels labels    `json:"labels"`
		URL    string    `json:"html_url"`
		// PullRequest is there if the issue is one.
		PullRequest *struct {
			Draft bool `json:"draft"`
		} `json:"pull_request"`
	} `json:"issue"`
	// PullRequest is there for a comment on a line, and Gitea's newer versions have it
	// for all.
	PullRequest *alikePull `json:"pull_request"`
}

// parseAlikeComment reads a comment, under the name that an issue's has as well. Drafts
// says whether the issue is a draft where its fields don't.
func parseAlikeComment(name string, payload []byte, drafts func(title string) bool) ([]*Event, error) {
	var body alikeComment
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	var on pull
	switch {
	case body.PullRequest != nil:
		if body.PullRequest.Draft == nil {
			draft := drafts(body.PullRequest.Title)
			body.PullRequest.Draft = &draft
		}
		on = body.PullRequest.pull(&body.alikeEvent)
	case body.Issue.PullRequest != nil:
		on = body.pull(drafts)
	default:
		return unknown(name)
	}
	said := comment{
		pull: on, action: body.Action, body: body.Comment.Body, author: body.Comment.User.Login, url: body.Comment.URL,
		remark: Remark{ID: body.Comment.ID, Line: name == githubLineComment},
	}
	return one(said.event())
}

// pull is what an issue says of the pull request that it is. Where its head is it
// doesn't say, so it counts as a fork.
func (c *alikeComment) pull(drafts func(title string) bool) pull {
	draft := c.Issue.PullRequest.Draft || drafts(c.Issue.Title)
	if c.Issue.Draft != nil {
		draft = *c.Issue.Draft
	}
	return pull{
		repository: c.Repository.FullName,
		cloneURL:   c.Repository.CloneURL,
		sender:     c.Sender.Login,
		number:     c.Issue.Number,
		ref:        numbered("refs/pull/%d/head", c.Issue.Number),
		title:      c.Issue.Title,
		author:     c.Issue.User.Login,
		draft:      draft,
		fork:       true,
		labels:     c.Issue.Labels,
		url:        c.Issue.URL,
	}
}

// parseAlikeRelease reads a release.
func parseAlikeRelease(payload []byte) ([]*Event, error) {
	var body struct {
		alikeEvent
		Release struct {
			Name       string `json:"name"`
			Tag        string `json:"tag_name"`
			Draft      bool   `json:"draft"`
			Prerelease bool   `json:"prerelease"`
			URL        string `json:"html_url"`
			// Author is who has made it.
			Author alikeUser `json:"author"`
		} `json:"release"`
	}
	if err := json.Unmarshal(payload, &body); err != nil {
		return nil, unreadable(err)
	}
	said := release{
		repository: body.Repository.FullName, cloneURL: body.Repository.CloneURL, sender: body.Sender.Login, action: body.Action,
		author:  body.Release.Author.Login,
		Release: Release{Name: body.Release.Name, Tag: body.Release.Tag, Draft: body.Release.Draft, Prerelease: body.Release.Prerelease, URL: body.Release.URL},
	}
	return one(said.event())
}
