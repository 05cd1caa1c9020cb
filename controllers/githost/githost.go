// Package githost speaks to the API of a git host: what stands at a commit, who may
// write, what a pull request is. There is one file for each kind of host.
//
// The clients are KayCI's own: of each host's API it needs half a dozen requests and
// few fields of the answers. They share one way of asking, which bounds what is read
// and how long it takes, keeps the token at the address that the Trigger names, and
// says of each error who ends it: package fault. Nothing is tried again here.
package githost

import (
	"context"
	"fmt"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/trigger/event"
)

// Host is the API of one git host, by one Trigger's credentials. Repositories have
// the names that the host's own events give them: owner/name. What they, users and
// commits are called may be anybody's choice: a name that can't be one is an error.
type Host interface {
	// MayWrite reports whether the user may now push to the repository.
	MayWrite(ctx context.Context, repository, user string) (bool, error)
	// PullRequest returns a pull request as it is now, as an event of that kind.
	PullRequest(ctx context.Context, repository string, number int64) (*event.Event, error)
	// ChangedPaths returns the files that a change is about: also the former name of one
	// that was moved. Complete is false where the host may have left some out.
	ChangedPaths(ctx context.Context, repository string, of Change) (paths []string, complete bool, err error)
	// SetStatus sets what stands at a commit in the status's context.
	SetStatus(ctx context.Context, repository, sha string, status *Status) error
	// Comment adds a comment to a pull request.
	Comment(ctx context.Context, repository string, number int64, body string) error
}

// Reactor is a Host whose comments take reactions. Bitbucket's don't.
type Reactor interface {
	// React puts a reaction to a comment of a pull request. It is there once, however
	// often it is put.
	React(ctx context.Context, repository string, number int64, to event.Remark, with Reaction) error
}

// Reaction is what somebody thinks of a comment.
type Reaction string

// The reactions.
const (
	// ThumbsUp for what was done.
	ThumbsUp Reaction = "+1"
	// ThumbsDown for what was refused.
	ThumbsDown Reaction = "-1"
)

// Change is what has changed: in a pull request, or from a commit to another.
type Change struct {
	// PullRequest is its number. 0: it is about the commits.
	PullRequest   int64
	Before, After string
}

// State is how it goes, or went, with a commit.
type State string

// The states. A host that doesn't know one shows the one that is nearest.
const (
	// Pending: nothing has begun.
	Pending State = "pending"
	// Running: something has.
	Running State = "running"
	// Success: the commit is good.
	Success State = "success"
	// Failure: it isn't.
	Failure State = "failure"
	// Cancelled: nobody will know.
	Cancelled State = "cancelled"
)

// MaxDescription is how long a status's description may be, in characters: GitHub
// takes 140.
const MaxDescription = 140

// Status is what stands at a commit.
type Status struct {
	State State
	// Context tells apart what stands at one commit.
	Context string
	// Description is a sentence of at most MaxDescription characters.
	Description string
	// URL of a page with more. Empty: there is none.
	URL string
}

// open returns the host of that kind.
func open(provider v1alpha1.Provider, c *caller) (Host, error) {
	switch provider {
	case v1alpha1.ProviderGitHub:
		return &github{hub{c}}, nil
	case v1alpha1.ProviderGitLab:
		return &gitlab{c}, nil
	case v1alpha1.ProviderGitea:
		return &gitea{hub{c}}, nil
	case v1alpha1.ProviderBitbucket:
		return &bitbucket{c}, nil
	case v1alpha1.ProviderBitbucketServer:
		return &bitbucketServer{c}, nil
	default:
		return nil, fmt.Errorf("provider %q is no git host", provider)
	}
}
