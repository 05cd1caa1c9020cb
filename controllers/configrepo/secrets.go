package configrepo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/sync/git"
)

// secretsCheck is how often to look for a change of Secrets that were refused.
// They can't be watched: KayCI reads Secrets by name alone.
const secretsCheck = 30 * time.Second

// isOfSecrets reports whether a change of a Secret may heal a failure.
func isOfSecrets(reason string) bool {
	switch git.Reason(reason) {
	case git.ReasonAuthenticationFailed, git.ReasonInvalidSecret, git.ReasonRepositoryNotFound, ReasonSecretNotFound:
		return true
	default:
		return false
	}
}

// secretVersions returns the versions of the Secrets that the spec names.
func (s *sync) secretVersions(ctx context.Context) ([]string, error) {
	var versions []string
	for _, ref := range []*meta.LocalObjectReference{s.repo.Spec.SecretRef, s.repo.Spec.ProxySecretRef} {
		if ref == nil {
			continue
		}
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := s.APIReader.Get(ctx, client.ObjectKey{Namespace: s.repo.Namespace, Name: ref.Name}, secret)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read the version of Secret %q: %w", ref.Name, err)
		}
		versions = append(versions, fmt.Sprintf("%s %s %s", ref.Name, secret.UID, secret.ResourceVersion))
	}
	return versions, nil
}

// secretsHaveChanged reports whether Secrets were refused, and are others now.
func (s *sync) secretsHaveChanged(ctx context.Context) bool {
	if s.known.refusedSecrets == nil {
		return false
	}
	now, err := s.secretVersions(ctx)
	return err == nil && !slices.Equal(now, s.known.refusedSecrets)
}
