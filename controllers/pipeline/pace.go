package pipeline

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// breather is how long a Pipeline's status stays as it was written while only its
// Runs change: of a burst of them each would cost a write.
const breather = time.Second

// pace remembers when this process last wrote a Pipeline's status. It saves writes,
// and may be lost.
type pace struct {
	mu   sync.Mutex
	last map[types.UID]time.Time
}

func (p *pace) wrote(pipeline *v1alpha1.Pipeline, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = map[types.UID]time.Time{}
	}
	for of, at := range p.last {
		if now.Sub(at) >= breather {
			delete(p.last, of)
		}
	}
	p.last[pipeline.UID] = now
}

// left returns how long to wait before a status that has changed is written, 0 for
// not at all.
func (p *pace) left(pipeline *v1alpha1.Pipeline, status *v1alpha1.PipelineStatus, now time.Time) time.Duration {
	p.mu.Lock()
	last, wrote := p.last[pipeline.UID]
	p.mu.Unlock()
	if !wrote {
		return 0
	}
	own := *status
	was := &pipeline.Status
	own.ActiveRuns, own.LastRun, own.LastNumber = was.ActiveRuns, was.LastRun, was.LastNumber
	if !equality.Semantic.DeepEqual(was, &own) {
		return 0 // Something of its own has changed.
	}
	return max(last.Add(breather).Sub(now), 0)
}
