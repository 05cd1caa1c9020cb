package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
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
	// staleLifetime is how long it counts while more Secrets are asked for than are
	// read.
	staleLifetime = time.Minute
	// readRate is how many Secrets are read a second, and readBurst how many at once
	// after a quiet time. Half of those are for Secrets of which nothing is known.
	readRate, readBurst = 50, 500
	// maxTokens bounds the memory for namespaces of very many Triggers.
	maxTokens = 4096
)

var errTooManyReads = errors.New("too many Secrets are asked for")

// tokens of a Secret: the one that counts, and the one that does, too, while a git
// host is told of a new one. Either may be blank, and proves nothing then.
type tokens struct {
	current, old []byte
}

// secretCache reads the tokens of a Secret by name. It only ever gets Secrets:
// no list, no watch. Anybody can have it asked, so that it reads no more than so
// many a second.
type secretCache struct {
	reader  client.Reader
	clock   clock.PassiveClock
	reads   *rate.Limiter
	flights singleflight.Group

	mu   sync.Mutex
	read map[client.ObjectKey]cachedTokens
	// failed is when a read failed; zero if one has succeeded since.
	failed time.Time
}

type cachedTokens struct {
	tokens tokens
	at     time.Time
}

func newSecretCache(reader client.Reader, clock clock.PassiveClock) *secretCache {
	return &secretCache{
		reader: reader, clock: clock, reads: rate.NewLimiter(readRate, readBurst), read: map[client.ObjectKey]cachedTokens{},
	}
}

// tokens returns the Secret's tokens, or none where there is no Secret or KayCI may
// not read it. An error means that the API server could not say, or isn't asked.
func (c *secretCache) tokens(ctx context.Context, key client.ObjectKey) (tokens, error) {
	now := c.clock.Now()
	c.mu.Lock()
	cached, known := c.read[key]
	c.mu.Unlock()
	age := now.Sub(cached.at)
	known = known && age < staleLifetime
	if known && (age < tokenLifetime || c.reads.TokensAt(now) < readBurst/2) {
		return cached.tokens, nil
	}
	found, err, _ := c.flights.Do(key.String(), func() (any, error) {
		if !c.reads.AllowN(now, 1) {
			return tokens{}, errTooManyReads
		}
		found, err := c.get(ctx, key)
		c.keep(key, cachedTokens{tokens: found, at: now}, err)
		return found, err
	})
	read, _ := found.(tokens)
	return read, err
}

func (c *secretCache) get(ctx context.Context, key client.ObjectKey) (tokens, error) {
	var secret corev1.Secret
	err := c.reader.Get(ctx, key, &secret)
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return tokens{}, nil
	case err != nil:
		return tokens{}, fmt.Errorf("read Secret %s: %w", key, err)
	}
	return tokens{current: token(&secret, v1alpha1.TokenKey), old: token(&secret, v1alpha1.OldTokenKey)}, nil
}

// token is without the newline that a file or an echo ends with, and that nobody
// typed at the git host.
func token(secret *corev1.Secret, key string) []byte {
	return bytes.TrimRight(secret.Data[key], "\r\n")
}

// failing reports whether a Secret that isn't known would likely not be read. A
// stranger is then told to come back whatever the path: that only some can't be
// judged would tell which exist.
func (c *secretCache) failing() bool {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.failed.IsZero() && now.Sub(c.failed) < staleLifetime || c.reads.TokensAt(now) < 1
}

// keep remembers what a read gave, or that it failed.
func (c *secretCache) keep(key client.ObjectKey, entry cachedTokens, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = time.Time{}
	if err != nil {
		c.failed = entry.at
		return
	}
	if len(c.read) >= maxTokens {
		for old, cached := range c.read {
			if entry.at.Sub(cached.at) >= tokenLifetime {
				delete(c.read, old)
			}
		}
	}
	if len(c.read) < maxTokens {
		c.read[key] = entry
	}
}
