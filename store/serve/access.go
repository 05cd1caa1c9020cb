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

// Answers of the API server are kept for a moment, and no more of them than this.
const (
	kept = 10 * time.Second
	most = 4096
)

var (
	errToken     = errors.New("the API server doesn't take the token")
	errForbidden = errors.New("forbidden")
)

// access asks the API server who may do what.
type access struct {
	reviewer Reviewer
	answers  *cache.LRUExpireCache
}

func newAccess(reviewer Reviewer, now clock.PassiveClock) *access {
	return &access{reviewer: reviewer, answers: cache.NewLRUExpireCacheWithClock(most, now)}
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
	user, err := answered(a, sum, func() (string, error) { return a.reviewer.User(ctx, caller) })
	if err != nil {
		return "", err
	}
	allowed, err := answered(a, question{sum, namespace, asked}, func() (bool, error) {
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
func answered[T any](a *access, question any, ask func() (T, error)) (T, error) {
	if known, is := a.answers.Get(question); is {
		if answer, is := known.(T); is {
			return answer, nil
		}
	}
	answer, err := ask()
	if err != nil {
		return answer, explained(err)
	}
	a.answers.Add(question, answer, kept)
	return answer, nil
}
