// Package bucket has a bucket in memory, whose requests tests can have fail.
package bucket

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kayci/kayci/store/bucket"
)

// Memory is a bucket in memory. The zero value is ready.
type Memory struct {
	// Before and After are called with each request, before and after it is done. What
	// they return is its error. nil: nothing fails.
	Before, After func(request string) error
	// Now is when objects are put.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	body []byte
	at   time.Time
}

var _ bucket.Bucket = (*Memory)(nil)

// Heal has no request fail any more, whatever is on its way.
func (m *Memory) Heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Before, m.After = nil, nil
}

func (m *Memory) do(request string, act func() error) error {
	m.mu.Lock()
	before, after := m.Before, m.After
	m.mu.Unlock()
	if before != nil {
		if err := before(request); err != nil {
			return err
		}
	}
	m.mu.Lock()
	err := act()
	m.mu.Unlock()
	if after != nil && err == nil {
		err = after(request)
	}
	return err
}

// Put stores an object.
func (m *Memory) Put(_ context.Context, name string, body []byte) error {
	return m.do("put "+name, func() error {
		if _, taken := m.objects[name]; taken {
			return bucket.ErrExists
		}
		if m.objects == nil {
			m.objects = map[string]object{}
		}
		now := time.Now
		if m.Now != nil {
			now = m.Now
		}
		m.objects[name] = object{bytes.Clone(body), now()}
		return nil
	})
}

// Get reads an object.
func (m *Memory) Get(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	var found []byte
	err := m.do("get "+name, func() error {
		stored, is := m.objects[name]
		if !is {
			return bucket.ErrNotFound
		}
		found = stored.body[min(offset, int64(len(stored.body))):]
		if length >= 0 {
			found = found[:min(length, int64(len(found)))]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(found)), nil
}

// List lists objects.
func (m *Memory) List(_ context.Context, prefix, after string, limit int) ([]bucket.Object, error) {
	var found []bucket.Object
	err := m.do("list "+prefix, func() error {
		for _, name := range slices.Sorted(maps.Keys(m.objects)) {
			if strings.HasPrefix(name, prefix) && name > after && (limit == 0 || len(found) < limit) {
				found = append(found, bucket.Object{Name: name, Size: int64(len(m.objects[name].body)), Modified: m.objects[name].at})
			}
		}
		return nil
	})
	return found, err
}

// Folders lists folders.
func (m *Memory) Folders(_ context.Context, prefix string) ([]string, error) {
	var found []string
	err := m.do("folders "+prefix, func() error {
		for name := range m.objects {
			rest, within := strings.CutPrefix(name, prefix)
			if folder, _, is := strings.Cut(rest, "/"); within && is && !slices.Contains(found, folder) {
				found = append(found, folder)
			}
		}
		slices.Sort(found)
		return nil
	})
	return found, err
}

// Delete deletes objects.
func (m *Memory) Delete(_ context.Context, names ...string) error {
	for _, name := range names {
		err := m.do("delete "+name, func() error {
			delete(m.objects, name)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
