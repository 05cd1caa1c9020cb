package githost

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// maxBitbucketKey is how long a status's key may be at Bitbucket Cloud.
const maxBitbucketKey = 40

// bitbucket is Bitbucket Cloud below /2.0.
type bitbucket struct{ *caller }

func (b *bitbucket) repository(repository string) (string, error) {
	return pair("repositories/", repository, "/")
}

var (
	bitbucketUUID    = regexp.MustCompile(`^\{[0-9a-fA-F-]{36}\}$`)
	bitbucketAccount = regexp.MustCompile(`^[0-9a-zA-Z:-]{20,128}$`)
)

// MayWrite implements Host. The user is a UUID in braces or an account's id: what
// Bitbucket calls a nickname its user may change to another's at any time.
func (b *bitbucket) MayWrite(ctx context.Context, repository, user string) (bool, error) {
	path, err := pair("workspaces/", repository, "/permissions/repositories/")
	if err != nil {
		return false, err
	}
	by := "user.account_id"
	switch {
	case bitbucketUUID.MatchString(user):
		by = "user.uuid"
	case !bitbucketAccount.MatchString(user):
		return false, invalid("UUID or account id of a user of Bitbucket", user)
	}
	var has struct {
		Values []struct {
			Permission string        `json:"permission"`
			User       bitbucketUser `json:"user"`
		} `json:"values"`
	}
	if err := b.do(ctx, get(path, url.Values{"q": {by + `="` + user + `"`}}), &has); err != nil {
		return false, err
	}
	for _, each := range has.Values {
		if (each.User.UUID == user || each.User.AccountID == user) && (each.Permission == "write" || each.Permission == "admin") {
			return true, nil
		}
	}
	return false, nil
}

type bitbucketUser struct {
	UUID      string `json:"uuid"`
	AccountID string `json:"account_id"`
}

type bitbucketLink struct {
	Href string `json:"href"`
}

// bitbucketPull is a pull request.
type bitbucketPull struct {
	ID     int64         `json:"id"`
	Title  string        `json:"title"`
	Draft  bool          `json:"draft"`
	Author bitbucketUser `json:"author"`
	Source bitbucketSide `json:"source"`
	Target bitbucketSide `json:"destination"`
	Links  struct {
		HTML bitbucketLink `json:"html"`
	} `json:"links"`
}

type bitbucketSide struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Commit struct {
		Hash string `json:"hash"`
	} `json:"commit"`
	Repository *struct {
		FullName string `json:"full_name"`
		Links    struct {
			HTML bitbucketLink `json:"html"`
		} `json:"links"`
	} `json:"repository"`
}

// PullRequest implements Host. Bitbucket has no ref of a pull request, and tells its
// head by the first twelve characters.
func (b *bitbucket) PullRequest(ctx context.Context, repository string, number int64) (*event.Event, error) {
	path, err := b.repository(repository)
	if err != nil {
		return nil, err
	}
	var pull bitbucketPull
	if err := b.do(ctx, get(fmt.Sprintf("%s/pullrequests/%d", path, number), nil), &pull); err != nil {
		return nil, err
	}
	e := &event.Event{
		SHA: pull.Source.Commit.Hash,
		PullRequest: event.PullRequest{
			Number: pull.ID, Title: pull.Title, Author: cmp.Or(pull.Author.AccountID, pull.Author.UUID), Draft: pull.Draft,
			Head: pull.Source.Branch.Name, Base: pull.Target.Branch.Name, URL: pull.Links.HTML.Href,
		},
	}
	if repo := pull.Target.Repository; repo != nil {
		e.Repository, e.CloneURL = repo.FullName, repo.Links.HTML.Href
	}
	if repo := pull.Source.Repository; repo != nil {
		e.PullRequest.HeadRepository = repo.FullName
	}
	if !commit.MatchString(e.SHA) && abbreviated.MatchString(e.SHA) {
		if e.SHA, err = b.whole(ctx, cmp.Or(e.PullRequest.HeadRepository, e.Repository), e.SHA); err != nil {
			return nil, err
		}
	}
	return pullRequest(e)
}

var abbreviated = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// whole returns the commit that begins so.
func (b *bitbucket) whole(ctx context.Context, repository, beginning string) (string, error) {
	path, err := b.repository(repository)
	if err != nil {
		return "", err
	}
	var found struct {
		Hash string `json:"hash"`
	}
	err = b.do(ctx, get(path+"/commit/"+beginning, nil), &found)
	return found.Hash, err
}

// ChangedPaths implements Host.
func (b *bitbucket) ChangedPaths(ctx context.Context, repository string, of Change) (found []string, complete bool, err error) {
	path, err := b.repository(repository)
	if err == nil && of.PullRequest == 0 {
		err = of.check()
	}
	if err != nil {
		return nil, false, err
	}
	query := url.Values{"pagelen": {strconv.Itoa(pageSize)}}
	if of.PullRequest == 0 {
		// What the two differ in, and not what one has since their common ancestor.
		path += "/diffstat/" + of.After + ".." + of.Before
		query.Set("topic", "false")
	} else {
		path += fmt.Sprintf("/pullrequests/%d/diffstat", of.PullRequest)
	}
	var all paths
	err = all.eachPage(func(page int) (bool, error) {
		query.Set("page", strconv.Itoa(page))
		var files struct {
			Values []struct {
				Old, New struct {
					Path string `json:"path"`
				}
			} `json:"values"`
			Next string `json:"next"`
		}
		err := b.do(ctx, get(path, query), &files)
		for _, file := range files.Values {
			all.add(file.Old.Path, file.New.Path)
		}
		return files.Next != "", err
	})
	return all.result(err)
}

// bitbucketStatus is a build's status, at Bitbucket Cloud and Data Center.
type bitbucketStatus struct {
	Key         string `json:"key"`
	State       string `json:"state"`
	Name        string `json:"name"`
	Description string `json:"description"`
	URL         string `json:"url"`
}

// bitbucketState is the state's name. Data Center had none for a build that was
// stopped for long.
func bitbucketState(state State, stopped string) string {
	switch state {
	case Success:
		return "SUCCESSFUL"
	case Failure:
		return "FAILED"
	case Cancelled:
		return stopped
	case Pending, Running:
	}
	return "INPROGRESS"
}

// SetStatus implements Host. A status without a page gets the commit's: Bitbucket
// takes none without.
func (b *bitbucket) SetStatus(ctx context.Context, repository, sha string, status *Status) error {
	path, err := b.repository(repository)
	if err == nil {
		err = checkCommit(sha)
	}
	if err != nil {
		return err
	}
	key := status.Context
	if len(key) > maxBitbucketKey {
		key = names.Hashed(key, maxBitbucketKey)
	}
	return b.do(ctx, post(path+"/commit/"+sha+"/statuses/build", &bitbucketStatus{
		Key: key, State: bitbucketState(status.State, "STOPPED"), Name: status.Context, Description: status.Description,
		URL: cmp.Or(status.URL, "https://bitbucket.org/"+repository+"/commits/"+sha),
	}), nil)
}

// Comment implements Host.
func (b *bitbucket) Comment(ctx context.Context, repository string, number int64, body string) error {
	path, err := b.repository(repository)
	if err != nil {
		return err
	}
	content := map[string]any{"content": map[string]string{"raw": body}}
	return b.do(ctx, post(fmt.Sprintf("%s/pullrequests/%d/comments", path, number), content), nil)
}
