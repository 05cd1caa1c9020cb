package configrepo

import (
	"context"
	"slices"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/sync/git"
)

// secretsCheck is how often to look for a change of Secrets that were refused.
// They can't be watched: KayCI reads Secrets by name alone.
const secretsCheck = 30 * time.Second

// isOfSecrets reports whether a change of a Secret may heal a failure.
func isOfSecrets(reason string) bool {
	switch git.Reason(reason) {
	case git.ReasonAuthenticationFailed, git.ReasonInvalidSecret, git.ReasonRepositoryNotFound, v1alpha1.ReasonSecretNotFound:
		return true
	default:
		return false
	}
}

// secretsHaveChanged reports whether Secrets were refused, and are others now.
func (s *sync) secretsHaveChanged(ctx context.Context) bool {
	if s.known.refusedSecrets == nil {
		return false
	}
	now, err := s.remote().SecretVersions(ctx, s.APIReader)
	return err == nil && !slices.Equal(now, s.known.refusedSecrets)
}
