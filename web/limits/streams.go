// Package limits bounds what browsers may hold on to: how many streams a viewer and
// all of them have, and how long a reader may keep one of them from being written.
package limits

import (
	"errors"
	"sync"
)

// How many streams there may be. A browser opens one for each tab that is looked at,
// and one for its log.
const (
	PerViewer  = 20
	PerProcess = 500
)

// ErrViewer and ErrProcess say whose streams are too many.
var (
	ErrViewer  = errors.New("this viewer has too many streams open: close a tab or two")
	ErrProcess = errors.New("this server has as many streams as it takes")
)

// Streams counts those that are open. The zero value has none.
type Streams struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// Open counts one more of the viewer's, until closed is called once. A blank viewer is
// one of many that nobody tells apart: only all together are bounded.
func (s *Streams) Open(viewer string) (closed func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.all >= PerProcess:
		return nil, ErrProcess
	case viewer != "" && s.of[viewer] >= PerViewer:
		return nil, ErrViewer
	case s.of == nil:
		s.of = map[string]int{}
	}
	s.all++
	s.of[viewer]++
	return sync.OnceFunc(func() { s.close(viewer) }), nil
}

func (s *Streams) close(viewer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[viewer]--; s.of[viewer] == 0 {
		delete(s.of, viewer)
	}
}
