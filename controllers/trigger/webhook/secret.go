package webhook

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// tokenLifetime is how long a token that was replaced or revoked still counts.
	// It keeps a flood of requests from becoming a flood of reads.
	tokenLifetime = 3 * time.Second
	// maxTokens bounds the memory of a flood that names many namespaces.
	maxTokens = 4096
)

// decoySecret is looked up where no Trigger is, so that the answer takes as long
// as it does where one is. It may exist: its content is not used.
const decoySecret = "kayci-no-such-trigger" //nolint:gosec // the name of a Secret, and of none

// secretCache reads the token of a Secret by name. It only ever gets Secrets:
// no list, no watch.
type secretCache struct {
	reader client.Reader
	clock  clock.PassiveClock

	mu     sync.Mutex
	tokens map[client.ObjectKey]cachedToken
}

type cachedToken struct {
	token   []byte
	expires time.Time
}

func newSecretCache(reader client.Reader, clock clock.PassiveClock) *secretCache {
	return &secretCache{reader: reader, clock: clock, tokens: map[client.ObjectKey]cachedToken{}}
}

// token returns the Secret's token, or nothing where there is none or KayCI may
// not read it. An error means that the API server could not say.
func (c *secretCache) token(ctx context.Context, key client.ObjectKey) ([]byte, error) {
	now := c.clock.Now()
	c.mu.Lock()
	cached, ok := c.tokens[key]
	c.mu.Unlock()
	if ok && now.Before(cached.expires) {
		return cached.token, nil
	}
	token, err := c.read(ctx, key)
	if err != nil {
		return nil, err
	}
	c.keep(key, cachedToken{token: token, expires: now.Add(tokenLifetime)}, now)
	return token, nil
}

func (c *secretCache) read(ctx context.Context, key client.ObjectKey) ([]byte, error) {
	var secret corev1.Secret
	err := c.reader.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read Secret %s: %w", key, err)
	}
	// A file or an echo ends with a newline that nobody typed at the git host.
	return bytes.TrimRight(secret.Data[v1alpha1.TokenKey], "\r\n"), nil
}

func (c *secretCache) keep(key client.ObjectKey, entry cachedToken, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= maxTokens {
		for old, cached := range c.tokens {
			if !now.Before(cached.expires) {
				delete(c.tokens, old)
			}
		}
	}
	if len(c.tokens) < maxTokens {
		c.tokens[key] = entry
	}
}
