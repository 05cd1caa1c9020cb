// Package serve answers who asks the store, with the rights of who asks: who may get
// pods/log in a namespace may read its logs, and who may get runs the rest. It grants
// nothing itself: the API server says who sends a token, and what that one may.
package serve

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TokenHeader carries the token of who asks through the API server's proxy, which keeps
// the header Authorization to itself.
const TokenHeader = "Kayci-Token"

// Answers of the API server are kept for a moment, and no more of them than this.
const (
	kept = 10 * time.Second
	most = 4096
	// maxToken bounds a token, in bytes.
	maxToken = 64 << 10
)

var (
	errWho       = errors.New("the request has no token: send it in the header Authorization, or through the API server's proxy in " + TokenHeader)
	errToken     = errors.New("the API server doesn't take the token")
	errForbidden = errors.New("forbidden")
)

// access asks the API server who may do what.
type access struct {
	client  kubernetes.Interface
	answers *cache.LRUExpireCache
}

func newAccess(client kubernetes.Interface, now clock.PassiveClock) *access {
	return &access{client: client, answers: cache.NewLRUExpireCacheWithClock(most, now)}
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

// caller is who sends a request, by what was sent: two tokens of one user needn't give the
// same rights.
type caller struct {
	*authenticationv1.UserInfo

	sum [sha256.Size]byte
}

// check returns who sends the request, or an error unless that one has the right in the
// namespace.
func (a *access) check(r *http.Request, namespace string, asked right) (string, error) {
	user, err := a.who(r)
	if err != nil {
		return "", err
	}
	type question struct {
		token     [sha256.Size]byte
		namespace string
		right     right
	}
	q := question{user.sum, namespace, asked}
	if allowed, known := a.answers.Get(q); known {
		return user.Username, verdict(user, namespace, asked, allowed == true)
	}
	extra := map[string]authorizationv1.ExtraValue{}
	for key, value := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(value)
	}
	review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(r.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: "get", Group: asked.group, Resource: asked.resource, Subresource: asked.subresource,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask what %s may: %w", user.Username, err)
	}
	a.answers.Add(q, review.Status.Allowed, kept)
	return user.Username, verdict(user, namespace, asked, review.Status.Allowed)
}

func verdict(user *caller, namespace string, asked right, allowed bool) error {
	if allowed {
		return nil
	}
	return fmt.Errorf("%w: %s may not get %s in namespace %s", errForbidden, user.Username, asked, namespace)
}

// who returns who sends the request.
func (a *access) who(r *http.Request) (*caller, error) {
	token := r.Header.Get(TokenHeader)
	if token == "" {
		token = r.Header.Get("Authorization")
	}
	scheme, token, _ := strings.Cut(token, " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > maxToken {
		return nil, errWho
	}
	sum := sha256.Sum256([]byte(token))
	if user, known := a.answers.Get(sum); known {
		if info, is := user.(*authenticationv1.UserInfo); is {
			return &caller{info, sum}, nil
		}
	}
	user, err := a.review(r.Context(), token)
	if err != nil {
		return nil, err
	}
	a.answers.Add(sum, user, kept)
	return &caller{user, sum}, nil
}

// review has the API server say whose token it is, of those that are meant for itself.
func (a *access) review(ctx context.Context, token string) (*authenticationv1.UserInfo, error) {
	review, err := a.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("ask whose token it is: %w", err)
	}
	if !review.Status.Authenticated || review.Status.User.Username == "" {
		return nil, errToken
	}
	return &review.Status.User, nil
}
