package expr

import (
	"container/list"
	"sync"
)

// maxCached bounds what a cache keeps, in bytes of source. What one is compiled to
// takes some 250 times as much.
const maxCached = 128 << 10

// cache of compiled expressions by their text, faulty ones too: those used last. It
// is safe for concurrent use.
type cache struct {
	mu      sync.Mutex
	byText  map[string]*list.Element
	ordered *list.List
	bytes   int
}

type cached struct {
	text string
	compilation
}

func newCache() *cache {
	return &cache{byText: map[string]*list.Element{}, ordered: list.New()}
}

func (c *cache) get(text string) (compilation, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byText[text]
	if !ok {
		return compilation{}, false
	}
	c.ordered.MoveToFront(element)
	return element.Value.(cached).compilation, true //nolint:errcheck // put puts nothing else
}

func (c *cache) put(text string, value compilation) {
	if len(text) > MaxSourceLength {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byText[text]; ok {
		return
	}
	c.byText[text] = c.ordered.PushFront(cached{text, value})
	for c.bytes += len(text); c.bytes > maxCached; {
		oldest := c.ordered.Remove(c.ordered.Back()).(cached) //nolint:errcheck // put puts nothing else
		delete(c.byText, oldest.text)
		c.bytes -= len(oldest.text)
	}
}
