package admission

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
)

// access asks the API server what users may do with Runs.
type access struct {
	client client.Client
}

// require refuses the request that is being judged unless its user has the verb
// on the Run. doing is what the verb is needed for, to follow "may not".
func (a access) require(ctx context.Context, run *v1alpha1.Run, verb, doing string) error {
	request, err := ctrladmission.RequestFromContext(ctx)
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	allowed, err := a.has(ctx, &request.UserInfo, run, verb)
	switch {
	case err != nil:
		return apierrors.NewInternalError(err)
	case allowed:
		return nil
	}
	return apierrors.NewForbidden(v1alpha1.GroupVersion().WithResource(runsResource).GroupResource(), run.Name, fmt.Errorf(
		"user %q may not %s: that takes the verb %s on %s.%s in the namespace %s",
		request.UserInfo.Username, doing, verb, runsResource, v1alpha1.Group, run.Namespace))
}

const runsResource = "runs"

// has asks in the Run's namespace, so that it needs no right beyond that.
func (a access) has(ctx context.Context, user *authenticationv1.UserInfo, run *v1alpha1.Run, verb string) (bool, error) {
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for key, values := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(values)
	}
	review := &authorizationv1.LocalSubjectAccessReview{
		ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace},
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: run.Namespace, Name: run.Name, Verb: verb,
				Group: v1alpha1.Group, Version: v1alpha1.GroupVersion().Version, Resource: runsResource,
			},
		},
	}
	if err := a.client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("ask whether the user has the verb %s: %w", verb, err)
	}
	// An error of the evaluation, a binding to a role that is gone for one, is no
	// reason to doubt the verdict.
	return review.Status.Allowed, nil
}
