package logs_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/test/bucket"
)

// slow is a bucket that takes no part before so many are put at once.
type slow struct {
	*bucket.Memory

	most         int64
	now, highest atomic.Int64
	full         chan struct{}
}

func (s *slow) Put(ctx context.Context, name string, body []byte) error {
	if strings.HasSuffix(name, ".log.gz") {
		now := s.now.Add(1)
		defer s.now.Add(-1)
		if now > s.most {
			s.highest.Store(now)
		} else if now == s.most && s.highest.CompareAndSwap(0, now) {
			close(s.full)
		}
		<-s.full
	}
	return s.Memory.Put(ctx, name, body)
}

// many are nodes by the names of their containers.
type many map[string]given

func (m many) Read(ctx context.Context, c *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	return m[c.Name].Read(ctx, c, o, each)
}

// TestPutsAtOnce: only some parts are whole in memory at a time, of however many logs, and
// the memory that they share mixes nothing up.
func TestPutsAtOnce(t *testing.T) {
	t.Parallel()
	const containers, most = 12, 8
	b := &slow{Memory: &bucket.Memory{}, most: most, full: make(chan struct{})}
	nodes := many{}
	k := &logs.Keeper{Bucket: b, Source: nodes, Clock: clock.RealClock{}}
	log := func(i int) place.Log {
		log := theLog()
		log.Container = fmt.Sprintf("container-%d", i)
		return log
	}
	for i := range containers {
		nodes[log(i).Container] = printed(1<<19, randomLine)
	}
	var group errgroup.Group
	for i := range containers {
		group.Go(func() error {
			_, err := k.Keep(t.Context(), log(i), &runlogs.Container{Name: log(i).Container}, masker(t), 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range containers {
		var text bytes.Buffer
		if err := logs.Read(t.Context(), b, log(i), 1, func(int64) {}, &text); err != nil || !bytes.Equal(text.Bytes(), nodes[log(i).Container]) {
			t.Errorf("log %d: %d bytes are kept of %d: %v", i, text.Len(), len(nodes[log(i).Container]), err)
		}
	}
	if got := b.highest.Load(); got != most {
		t.Errorf("%d parts are put at once", got)
	}
}
