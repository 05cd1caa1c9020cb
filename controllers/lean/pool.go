package lean

import (
	"strings"
	"sync"
)

// maxPool bounds what a pool remembers, and maxText the length of a text in one.
const (
	maxPool = 2_000
	maxText = 256
)

// pool lets equal values share their memory: names, labels and the like come again
// in each object. When it is full it begins anew. The zero value is ready, and safe
// for concurrent use.
type pool[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// one returns the value as it was first met under the key.
func (p *pool[T]) one(key string, value T) T {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[key]; ok {
		return known
	}
	if p.known == nil || len(p.known) >= maxPool {
		p.known = map[string]T{}
	}
	p.known[key] = value
	return value
}

// texts are short texts.
type texts struct{ pool[string] }

// share replaces texts by those that were met first.
func share[T ~string](t *texts, each ...*T) {
	for _, text := range each {
		if s := string(*text); s != "" && len(s) <= maxText {
			*text = T(t.one(s, s))
		}
	}
}

// keyOf makes one key of several texts.
func keyOf(parts ...string) string { return strings.Join(parts, "\x00") }
