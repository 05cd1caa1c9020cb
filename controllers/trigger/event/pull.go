package event

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/kayci/kayci/api/v1alpha1"
)

// shortPattern is what Bitbucket Cloud gives of a pull request's commits.
var shortPattern = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

// pull is what all providers say about a pull or merge request.
type pull struct {
	repository, cloneURL, sender string
	number                       int64
	// ref that the head can be fetched by.
	ref           string
	title, author string
	draft         bool
	// sha of the head, before the one that it had before, and merge the test merge or
	// what was merged.
	sha, before, merge string
	// short: the host shortens the head's name.
	short bool
	// message of the head.
	message string
	// head and base are names of branches.
	head, base     string
	headRepository string
	fork           bool
	labels         labels
	url            string
}

// change is what became of a pull request, with the label that was given or taken.
type change struct {
	action v1alpha1.EventAction
	label  string
}

// numbered is a ref with a pull request's number.
func numbered(format string, number int64) string { return fmt.Sprintf(format, number) }

// GapPull is why the paths of a pull request aren't known.
const GapPull = "the git host lists no paths of a pull request"

// events are one for each change.
func (p *pull) events(changes ...change) ([]*Event, error) {
	all := make([]*Event, 0, len(changes))
	for _, became := range changes {
		e, err := p.event(v1alpha1.EventPullRequest, became.action)
		if err != nil {
			return nil, err
		}
		if ended := became.action == v1alpha1.ActionClosed || became.action == v1alpha1.ActionMerged; e.SHA == "" && !ended {
			// As GitLab opens merge requests of empty branches.
			return unknown(string(v1alpha1.EventPullRequest) + " without a commit")
		}
		e.Label = became.label
		if len(changes) > 1 {
			e.Part = string(became.action)
		}
		if len(changes) > 1 && became.label != "" {
			e.Part += ":" + became.label
		}
		all = append(all, e)
	}
	return all, nil
}

func (p *pull) event(kind v1alpha1.EventKind, action v1alpha1.EventAction) (*Event, error) {
	e := &Event{
		Kind: kind, Action: action, Repository: p.repository, CloneURL: p.cloneURL, Sender: p.sender, Ref: p.ref,
		SHA: p.commit(p.sha), Before: p.commit(p.before), MergeSHA: p.commit(p.merge),
		Title: cutTitle(p.title), Message: cutText(p.message, maxMessage), URL: pageURL(p.url), PathsGap: GapPull,
		PullRequest: PullRequest{
			Number: p.number, Title: cutTitle(p.title), Author: p.author, Draft: p.draft,
			// Whatever its id is, a repository without a name is nobody's.
			Head: p.head, Base: p.base, HeadRepository: p.headRepository, Fork: p.fork || p.headRepository == "",
			Labels: p.labels.names, URL: pageURL(p.url),
		},
	}
	switch {
	case p.number <= 0:
		return nil, errors.New("the payload's pull request has no number")
	case p.sha != "" && e.SHA == "":
		return nil, errors.New("the payload's pull request has a head that is no commit")
	}
	return e, e.checkNames()
}

func (p *pull) commit(sha string) string {
	if p.short && shortPattern.MatchString(sha) && !zeroPattern.MatchString(sha) {
		return sha
	}
	return commitOf(sha)
}

// labelChanges are one for each label.
func labelChanges(added, removed []string) []change {
	changes := make([]change, 0, len(added)+len(removed))
	for _, label := range added {
		changes = append(changes, change{v1alpha1.ActionLabeled, label})
	}
	for _, label := range removed {
		changes = append(changes, change{v1alpha1.ActionUnlabeled, label})
	}
	return changes
}

// redrafted is what an edit comes to that may have made a draft, or have ended it.
func redrafted(was, is bool) v1alpha1.EventAction {
	switch {
	case is && !was:
		return v1alpha1.ActionDrafted
	case was && !is:
		return v1alpha1.ActionReady
	}
	return v1alpha1.ActionEdited
}
