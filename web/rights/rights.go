// Package rights asks the API server what a viewer may do, so that pages show the
// buttons that would work. It decides nothing: the API server does, when one is pressed.
package rights

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/web/viewer"
)

// Answers are kept for a moment, and no more of them than this.
const (
	kept = 30 * time.Second
	most = 4096
)

// Right is something that one may do in a namespace.
type Right struct {
	// Verb, as RBAC names it.
	Verb string
	// Group and Resource are what it is done to, and Subresource which part of it.
	Group, Resource, Subresource string
}

// Rights asks for them. What it keeps is bounded in time and number.
type Rights struct {
	client  kubernetes.Interface
	answers *cache.LRUExpireCache
}

// New returns rights that are asked of the API server as the viewer of each context.
func New(client kubernetes.Interface, now clock.PassiveClock) *Rights {
	return &Rights{client: client, answers: cache.NewLRUExpireCacheWithClock(most, now)}
}

type question struct {
	viewer, namespace string
	right             Right
}

// Of returns which of the rights the viewer of the context has in the namespace. Blank
// is no namespace, which is another question than any of them.
func (r *Rights) Of(ctx context.Context, namespace string, asked ...Right) (map[Right]bool, error) {
	v, ok := viewer.From(ctx)
	if !ok {
		return nil, viewer.ErrSignIn
	}
	answers := make([]bool, len(asked))
	group, ctx := errgroup.WithContext(ctx)
	for n, right := range asked {
		group.Go(func() error {
			var err error
			answers[n], err = r.ask(ctx, question{v.Key(), namespace, right})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	has := make(map[Right]bool, len(asked))
	for n, right := range asked {
		has[right] = answers[n]
	}
	return has, nil
}

func (r *Rights) ask(ctx context.Context, q question) (bool, error) {
	if known, ok := r.answers.Get(q); ok {
		return known == true, nil
	}
	review, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: q.namespace, Verb: q.right.Verb, Group: q.right.Group, Resource: q.right.Resource, Subresource: q.right.Subresource,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("ask whether you may %s %s: %w", q.right.Verb, q.right.Resource, err)
	}
	r.answers.Add(q, review.Status.Allowed, kept)
	return review.Status.Allowed, nil
}

// Name returns how the API server calls the viewer of the context.
func (r *Rights) Name(ctx context.Context) (string, error) {
	v, ok := viewer.From(ctx)
	if !ok {
		return "", viewer.ErrSignIn
	}
	if v.Name != "" {
		return v.Name, nil
	}
	if known, ok := r.answers.Get(v.Key()); ok {
		if name, is := known.(string); is {
			return name, nil
		}
	}
	review, err := r.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask who you are: %w", err)
	}
	name := review.Status.UserInfo.Username
	r.answers.Add(v.Key(), name, kept)
	return name, nil
}
