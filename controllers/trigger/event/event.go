// Package event turns a git host's payload into one neutral event. It is pure.
// Payloads are authenticated but not trusted: whoever may push chooses branch
// names, messages and paths, so every value is checked or bounded here.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
)

// KindPing is what a host sends to try a webhook.
const KindPing v1alpha1.EventKind = "ping"

// Event is what happened, in the same words for every provider. Fields that an
// event doesn't have are empty.
type Event struct {
	// Kind of event. One that KayCI doesn't know keeps its provider's name, and has
	// nothing but it.
	Kind v1alpha1.EventKind
	// Action is what became of the pull request, comment or release. One that KayCI
	// doesn't know keeps its provider's name. Empty for a push.
	Action v1alpha1.EventAction
	// Repository as the provider names it: owner/name. Of a pull request it is the one
	// of its base.
	Repository string
	// CloneURL is the repository's address over http or https.
	CloneURL string
	// SHA of the commit that the ref now names, also for an annotated tag; of a pull
	// request its head. Empty for a deletion, and where a host's comment or release
	// doesn't say it. Of a pull request of Bitbucket Cloud it is shortened.
	SHA string
	// Before is the commit that the ref named before.
	Before string
	// MergeSHA is the host's test merge of a pull request, or what it was merged as.
	MergeSHA string
	// Ref in full.
	Ref string
	// Branch or Tag is the ref without its prefix. A pull request has neither: the name
	// of its head's branch is its author's to choose.
	Branch, Tag string
	// Sender is the login of the user that caused the event.
	Sender string
	// Author of the commit or release. A commit's is whatever its maker has written.
	// Blank for a pull request, which has its own.
	Author string
	// Title is the first line of Message; of a pull request, its title.
	Title string
	// Message of the commit; empty if the payload doesn't hold that commit.
	Message string
	// URL of the page about what happened.
	URL string
	// Paths that the payload's commits added, changed or removed: sorted, each
	// once.
	Paths []string
	// PathsGap says why Paths may lack some that have changed since the ref's last
	// push, to follow "the list of changed paths is incomplete". Empty: it lacks none.
	PathsGap string
	// Created says that the ref is new; Forced, that commits were taken away.
	Created, Forced bool
	// Deleted says that the ref is gone and that there is nothing to build.
	Deleted bool
	// PullRequest, Comment and Release are what the event is about.
	PullRequest PullRequest
	Comment     Comment
	Release     Release
	// Remark is the comment as the host's API finds it.
	Remark Remark
	// Label that was given or taken by an event of that action.
	Label string
	// Check names the Run that somebody wants again, as it was reported.
	Check string
	// Part tells the event from the others of its delivery, the same each time the
	// delivery is sent: the ref, or the action and its label. Empty if there are none.
	Part string
}

// The parts of an event are those that expressions see.
type (
	// PullRequest is a pull or merge request.
	PullRequest = expr.PullRequest
	// Comment is a comment on a pull request.
	Comment = expr.Comment
	// Release is a release at the git host.
	Release = expr.Release
)

// Remark is where a host has a comment. Expressions don't see it.
type Remark struct {
	// ID of the comment. 0: the payload doesn't say it, or nothing needs it.
	ID int64
	// Line says that the comment is on a line of the change.
	Line bool
}

// Expr is the event as expressions see it.
func (e *Event) Expr() expr.Event {
	return expr.Event{
		Kind: string(e.Kind), Action: string(e.Action), Repository: e.Repository, CloneURL: e.CloneURL,
		SHA: e.SHA, Before: e.Before, MergeSHA: e.MergeSHA, Ref: e.Ref, Branch: e.Branch, Tag: e.Tag,
		Created: e.Created, Forced: e.Forced, Sender: e.Sender, Title: e.Title, Message: e.Message, URL: e.URL,
		Paths: e.Paths, PathsComplete: e.PathsGap == "",
		PullRequest: e.PullRequest, Comment: e.Comment, Release: e.Release,
	}
}

// maxEvents is how many refs of one push are taken. More are an error, which the git
// host shows, rather than Runs for some of them.
const maxEvents = 100

// Parse reads a payload of the provider. The name is what the provider calls
// the event in its header. There is one event at least, and several where a provider
// tells of several changes at once. A generic webhook has no event: the result is the
// zero one.
func Parse(provider v1alpha1.Provider, name string, payload []byte) ([]*Event, error) {
	events, err := parse(provider, name, payload)
	switch {
	case err != nil:
		return nil, err
	case len(events) == 0:
		return nil, errors.New("the payload says nothing of what has changed")
	}
	return events, nil
}

func parse(provider v1alpha1.Provider, name string, payload []byte) ([]*Event, error) {
	switch provider {
	case v1alpha1.ProviderGitHub:
		return parseGitHub(name, payload)
	case v1alpha1.ProviderGitLab:
		return parseGitLab(name, payload)
	case v1alpha1.ProviderGitea:
		return parseGitea(name, payload)
	case v1alpha1.ProviderBitbucket:
		return parseBitbucket(name, payload)
	case v1alpha1.ProviderBitbucketServer:
		return parseDataCenter(name, payload)
	case v1alpha1.ProviderGeneric:
		return []*Event{{}}, nil
	default:
		return nil, fmt.Errorf("provider %q is not known", provider)
	}
}

// one is the result of an event that is alone in its delivery.
func one(e *Event, err error) ([]*Event, error) {
	if err != nil {
		return nil, err
	}
	return []*Event{e}, nil
}

// unknown is the event of a kind that has no parser. The header that names it isn't
// signed: a name that KayCI gives to events of its own makes none of those.
func unknown(name string) ([]*Event, error) {
	kind := v1alpha1.EventKind(cleaned(name))
	if own := append(v1alpha1.EventKinds(), KindPing, KindRerun, KindRerunAll); slices.Contains(own, kind) {
		kind = "unknown " + kind
	}
	return []*Event{{Kind: kind}}, nil
}

// cleaned is a provider's name of something. It stands in answers, so only what a
// provider would use for a name is kept of it.
func cleaned(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '_' || r == ' ' || r == ':' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, name[:min(len(name), maxKind)])
	if name == "" {
		return "unnamed"
	}
	return name
}

// embedded types stand among the fields that an error names, though not in JSON.
var embedded = regexp.MustCompile(`(alikeEvent|gitlabMerge|bitbucketPull|dataCenterPull)\.`)

// unreadable says which field has the wrong type. It doesn't repeat the decoder's
// own text, which may quote the payload.
func unreadable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind, _, _ := strings.Cut(wrong.Value, " ")
		return fmt.Errorf("the payload's field %s can't be of type %s", embedded.ReplaceAllString(wrong.Field, ""), kind)
	}
	return errors.New("the payload is not the event that its header names")
}
