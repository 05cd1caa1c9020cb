package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

var (
	shaPattern  = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	zeroPattern = regexp.MustCompile(`^0+$`)
)

// pushHead is what GitHub, Gitea and Forgejo say about a push beside its commits.
// Types of one's own rather than the hosts' SDKs: those hold every field of a
// payload, many times its size, and are strict about ones that nobody reads.
type pushHead struct {
	Ref        string `json:"ref"`
	Before     string `json:"before"`
	After      string `json:"after"`
	Forced     bool   `json:"forced"`
	Total      int    `json:"total_commits"`
	HeadCommit struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	} `json:"head_commit"`
	Repository struct {
		FullName string `json:"full_name"`
		CloneURL string `json:"clone_url"`
	} `json:"repository"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
}

// push is what all providers say about a push, as they say it.
type push struct {
	repository, cloneURL, sender string
	ref                          string
	// before and after are what the ref named and names: zeros when there is nothing,
	// and for an annotated tag the tag object rather than a commit.
	before, after string
	// forced: commits may have been taken away, too.
	forced bool
	// commit that the ref leads to, where the provider says so.
	commit string
	// message of that commit.
	message string
	// total of commits, where counted says that the provider tells it: GitHub doesn't,
	// and neither does an old Gitea.
	total   int
	counted bool
	commits commits
}

// parsePush reads a push in the words of GitHub and Gitea.
func parsePush(payload []byte, counted bool) (push, error) {
	var head pushHead
	if err := json.Unmarshal(payload, &head); err != nil {
		return push{}, unreadable(err)
	}
	commits, err := readCommits(payload, "")
	return push{
		repository: head.Repository.FullName,
		cloneURL:   head.Repository.CloneURL,
		sender:     head.Sender.Login,
		ref:        head.Ref,
		before:     head.Before,
		after:      head.After,
		forced:     head.Forced,
		commit:     head.HeadCommit.ID,
		message:    head.HeadCommit.Message,
		total:      head.Total,
		counted:    counted,
		commits:    commits,
	}, err
}

func (p *push) event() (*Event, error) {
	e := &Event{
		Kind: v1alpha1.EventPush, Repository: p.repository, CloneURL: p.cloneURL, Sender: p.sender, Ref: p.ref,
		Message: cutText(p.message, maxMessage), Paths: p.commits.paths.sorted(), PathsGap: p.gap(),
	}
	if err := e.checkNames(); err != nil {
		return nil, err
	}
	if branch, ok := strings.CutPrefix(p.ref, branchPrefix); ok {
		e.Branch = branch
	}
	if tag, ok := strings.CutPrefix(p.ref, tagPrefix); ok {
		e.Tag = tag
	}
	title, _, _ := strings.Cut(strings.TrimSpace(e.Message), "\n")
	e.Title = cutText(strings.TrimSpace(title), maxTitle)
	return e, e.setSHA(p)
}

// gap says why the paths of the commits that are listed may not be all that has
// changed between before and after.
func (p *push) gap() string {
	switch listed := p.commits.count; {
	case zeroPattern.MatchString(p.after):
		return ""
	case !shaPattern.MatchString(p.before):
		return "the git host doesn't say what the ref named before"
	case zeroPattern.MatchString(p.before):
		return "the ref is new"
	case p.forced:
		return "the push was forced"
	case listed == 0:
		return "the git host lists no commits"
	case p.counted && p.total == 0:
		return "the git host doesn't say how many commits there are"
	case p.counted && listed < p.total:
		return fmt.Sprintf("the git host lists %d of %d commits", listed, p.total)
	case !p.counted && listed >= maxCommits:
		return fmt.Sprintf("the git host lists no more than %d commits", maxCommits)
	case p.commits.bare:
		return "the git host lists a commit without its paths"
	}
	return p.commits.paths.gap
}

func (e *Event) setSHA(p *push) error {
	if !shaPattern.MatchString(p.after) {
		return errors.New("the payload's `after` is not the name of a commit")
	}
	if zeroPattern.MatchString(p.after) {
		e.Deleted = true
		return nil
	}
	e.SHA = p.after
	if p.commit != "" {
		e.SHA = p.commit
	}
	if !shaPattern.MatchString(e.SHA) {
		return errors.New("the payload's commit has an id that is no commit's")
	}
	return nil
}
