package serve

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// Reviewer asks the API server as whoever has sent a request. Its errors are those of the
// API server.
type Reviewer interface {
	// User returns how the API server calls who that is.
	User(ctx context.Context, caller *Caller) (string, error)
	// May reports whether that one may do this.
	May(ctx context.Context, caller *Caller, this *authorizationv1.ResourceAttributes) (bool, error)
}

// patience is how long the API server may take for an answer.
const patience = 10 * time.Second

type reviewer struct {
	config *rest.Config
	base   http.RoundTripper
}

// NewReviewer returns what asks the API server of the configuration, by none of its
// credentials: the API server is shown what the store was, and so it alone decides whether
// a token is good and for whom its owner may act.
func NewReviewer(config *rest.Config) (Reviewer, error) {
	config = rest.AnonymousClientConfig(config)
	config.QPS, config.Timeout = -1, patience
	// To somebody who is asked about, a warning would be the store's own.
	config.WarningHandler = rest.NoWarnings{}
	base, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the API server: %w", err)
	}
	return &reviewer{config, base}, nil
}

// User returns how the API server calls the caller.
func (r *reviewer) User(ctx context.Context, caller *Caller) (string, error) {
	as, err := authenticationclient.NewForConfigAndClient(r.config, r.client(caller))
	if err != nil {
		return "", fmt.Errorf("make a client: %w", err)
	}
	review, err := as.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", err //nolint:wrapcheck // What the API server says is for the caller.
	}
	return review.Status.UserInfo.Username, nil
}

// May reports whether the caller may do this.
func (r *reviewer) May(ctx context.Context, caller *Caller, this *authorizationv1.ResourceAttributes) (bool, error) {
	as, err := authorizationclient.NewForConfigAndClient(r.config, r.client(caller))
	if err != nil {
		return false, fmt.Errorf("make a client: %w", err)
	}
	review, err := as.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: this},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err //nolint:wrapcheck // What the API server says is for the caller.
	}
	return review.Status.Allowed, nil
}

// client sends what it is given as the caller, over connections that all callers share.
func (r *reviewer) client(caller *Caller) *http.Client {
	return &http.Client{Transport: asCaller{caller, r.base}, Timeout: patience}
}

type asCaller struct {
	*Caller

	next http.RoundTripper
}

func (a asCaller) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+a.Token)
	maps.Copy(r.Header, a.As)
	return a.next.RoundTrip(r) //nolint:wrapcheck // It is the client's to say.
}

// explained words an answer of the API server's for the caller.
func explained(err error) error {
	switch {
	case apierrors.IsUnauthorized(err):
		return errToken
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: %w", errForbidden, err)
	default:
		return fmt.Errorf("ask the API server about who asks: %w", err)
	}
}
