package event

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

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
	// message, author and page of that commit.
	message, author, url string
	// pathless: the provider lists no paths.
	pathless bool
	// total of commits, where counted says that the provider tells it: GitHub doesn't,
	// and neither does an old Gitea.
	total   int
	counted bool
	commits commits
}

func (p *push) event() (*Event, error) {
	e := &Event{
		Kind: v1alpha1.EventPush, Repository: p.repository, CloneURL: p.cloneURL, Sender: p.sender, Ref: p.ref,
		Before: commitOf(p.before), Created: zeroPattern.MatchString(p.before), Forced: p.forced,
		Message: cutText(p.message, maxMessage), Author: cutLine(p.author, maxSender), URL: pageURL(p.url),
		Paths: p.commits.paths.sorted(), PathsGap: p.gap(),
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
	e.Title = cutTitle(e.Message)
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
	case p.pathless:
		return "the git host lists no paths"
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
		e.Deleted, e.Author, e.URL = true, "", ""
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

// eachRef is the events of a push of several refs.
func eachRef[T any](changes *first[T], said func(*T) push) ([]*Event, error) {
	if changes.count > maxEvents {
		return nil, fmt.Errorf("the push changes %d refs, and KayCI takes %d of one push at most: push fewer at once", changes.count, maxEvents)
	}
	all := make([]*Event, 0, changes.count)
	for i := range changes.kept {
		body := said(&changes.kept[i])
		e, err := body.event()
		if err != nil {
			return nil, err
		}
		if changes.count > 1 {
			e.Part = e.Ref
		}
		all = append(all, e)
	}
	return all, nil
}
