// Package serve answers who asks the store, with the rights of who asks: who may get
// pods/log in a namespace may read its logs, and who may get runs the rest. It grants
// nothing itself: the API server is asked as that one what he may.
package serve

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// Answers of the API server are kept for a moment, and no more of them than this.
	kept = 10 * time.Second
	most = 4096
	// asking is how many questions the API server is asked at once: whoever reaches the
	// store could else have it asked about any number of bad tokens.
	asking = 16
)

var (
	errToken     = errors.New("the API server doesn't take the token")
	errForbidden = errors.New("forbidden")
)

// access asks the API server who may do what.
type access struct {
	reviewer Reviewer
	answers  *cache.LRUExpireCache
	asking   chan struct{}
}

func newAccess(reviewer Reviewer, now clock.PassiveClock) *access {
	return &access{reviewer: reviewer, answers: cache.NewLRUExpireCacheWithClock(most, now), asking: make(chan struct{}, asking)}
}

// right is what somebody has to have in a namespace.
type right struct{ group, resource, subresource string }

func mayLogs() right { return right{"", "pods", "log"} }
func mayRuns() right { return right{v1alpha1.Group, "runs", ""} }

func (r right) String() string {
	if r.subresource != "" {
		return r.resource + "/" + r.subresource
	}
	return r.resource
}

// check returns who sends a request with these headers, or an error unless that one has
// the right in the namespace.
func (a *access) check(ctx context.Context, header http.Header, namespace string, asked right) (string, error) {
	caller, err := callerOf(header)
	if err != nil {
		return "", err
	}
	type question struct {
		caller    [sha256.Size]byte
		namespace string
		right     right
	}
	sum := caller.sum()
	user, err := answered(ctx, a, sum, func() (string, error) { return a.reviewer.User(ctx, caller) })
	if err != nil {
		return "", err
	}
	allowed, err := answered(ctx, a, question{sum, namespace, asked}, func() (bool, error) {
		return a.reviewer.May(ctx, caller, &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "get", Group: asked.group, Resource: asked.resource, Subresource: asked.subresource,
		})
	})
	if err == nil && !allowed {
		err = fmt.Errorf("%w: %s may not get %s in namespace %s", errForbidden, user, asked, namespace)
	}
	return user, err
}

// answered returns what is known of the question, or else asks it.
func answered[T any](ctx context.Context, a *access, question any, ask func() (T, error)) (T, error) {
	if known, is := a.answers.Get(question); is {
		if answer, is := known.(T); is {
			return answer, nil
		}
	}
	var none T
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
	case <-ctx.Done():
		return none, fmt.Errorf("wait to ask the API server: %w", ctx.Err())
	}
	answer, err := ask()
	if err != nil {
		return none, explained(err)
	}
	a.answers.Add(question, answer, kept)
	return answer, nil
}
