// Package caches keeps what jobs would otherwise fetch or build again, by keys that they
// choose, and says which Run may read and change which of it.
//
// A cache belongs to a scope, which follows from where its Run came from. What is in a
// scope, only Runs of the same scope can have written. A Run reads its own scope, that
// of the branch which its pull request is to be merged into, and those of the default
// branches of its repository. It writes to its own:
//
//   - a push to a branch or tag has the scope of that branch or tag;
//   - whatever is about a pull request has the scope of that pull request, whoever made
//     it: what its head says is anybody's, before somebody has merged it;
//   - what has another ref has the scope of that ref;
//   - what a Trigger has started without any repository, as by the clock, has the scope
//     of that Trigger, and what a person has started that of the Pipeline. Neither reads
//     what a repository's branches have written.
//
// Whoever may create Runs may give them any origin.
package caches

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/place"
)

// Scopes are those that a Run may use.
type Scopes struct {
	// Own is the one that it reads first, and writes.
	Own place.Scope
	// Others are those that it reads, too, in this order.
	Others []place.Scope
}

// All are those that the Run reads, in this order.
func (s Scopes) All() []place.Scope { return append([]place.Scope{s.Own}, s.Others...) }

// ScopesOf a Run. The default branches are those that a repository may have: main, say.
func ScopesOf(run *v1alpha1.Run, defaults []string) Scopes {
	origin := run.Spec.Origin
	if origin == nil || *origin == (v1alpha1.Origin{}) {
		return Scopes{Own: scope(run, "pipeline", "", "pipeline", run.Spec.Pipeline)}
	}
	kind, name := of(run, origin)
	if origin.Repository == "" {
		return Scopes{Own: scope(run, "trigger", "", kind, name)}
	}
	within := func(kind, name string) place.Scope {
		return scope(run, "repository", string(origin.Provider)+"\n"+origin.Repository, kind, name)
	}
	s := Scopes{Own: within(kind, name)}
	branches := defaults
	if origin.PullRequest > 0 && origin.BaseBranch != "" {
		branches = append([]string{origin.BaseBranch}, defaults...)
	}
	for _, branch := range branches {
		if other := within("branch", branch); other != s.Own && !slices.Contains(s.Others, other) {
			s.Others = append(s.Others, other)
		}
	}
	return s
}

// of returns what the scope of a Run is called. The pull request comes first: the ref of
// its head may look like a branch.
func of(run *v1alpha1.Run, origin *v1alpha1.Origin) (kind, name string) {
	switch branch, isBranch := strings.CutPrefix(origin.Ref, "refs/heads/"); {
	case origin.PullRequest > 0:
		return "pull", strconv.FormatInt(origin.PullRequest, 10)
	case origin.Fork:
		// A fork whose pull request nobody knows shares with nobody.
		return "run", string(run.UID)
	case origin.Branch != "":
		return "branch", origin.Branch
	case origin.Tag != "":
		return "tag", origin.Tag
	case isBranch:
		return "branch", branch
	case origin.Ref != "":
		return "ref", origin.Ref
	default:
		return "trigger", cmp.Or(origin.Trigger, run.Name)
	}
}

func scope(run *v1alpha1.Run, by, repository, kind, name string) place.Scope {
	return place.Scope{Namespace: run.Namespace, Repository: place.Hash(by + "\n" + repository), Name: place.Hash(kind + "\n" + name)}
}
