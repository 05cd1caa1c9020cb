package report

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/controllers/githost"
)

// message is what the host is told.
type message struct {
	status     githost.Status
	repository string
	// run is the name of the Run that it is about, and ended says that it is the last
	// word about that.
	run   string
	ended bool
}

// post is a message, and what became of it.
type post struct {
	message
	// generation of the Trigger that says where.
	generation int64
	at         time.Time
	// failed: the host hasn't taken it, and may be asked again then. Refused: nor ever
	// will it.
	failed, refused bool
	again           time.Time
	// times that the same has failed before.
	times int
}

// told is what was posted last, by Trigger and commit, until all Runs of them are
// reported or gone. A process that doesn't know posts again, which changes nothing.
type told struct {
	mu    sync.Mutex
	posts map[types.NamespacedName]post
}

func (t *told) of(key types.NamespacedName) (post, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, known := t.posts[key]
	return last, known
}

func (t *told) put(key types.NamespacedName, last post) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.posts == nil {
		t.posts = map[types.NamespacedName]post{}
	}
	t.posts[key] = last
}

func (t *told) forget(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.posts, key)
}

// Bounds of how long a host that fails is left alone.
const minAway, maxAway = time.Second, 5 * time.Minute

// breaker keeps the reports of a Trigger back while its host is down or has had
// enough: else each would wait for the host itself.
type breaker struct {
	mu   sync.Mutex
	away map[types.NamespacedName]away
}

type away struct {
	until time.Time
	times int
}

// note takes an error of the host. One that a person must end is about one request.
func (b *breaker) note(trigger types.NamespacedName, class class, now time.Time) {
	if class.person {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away == nil {
		b.away = map[types.NamespacedName]away{}
	}
	times := b.away[trigger].times
	after := class.after
	if after == 0 {
		after = min(minAway<<min(times, 10), maxAway)
	}
	b.away[trigger] = away{until: now.Add(after), times: times + 1}
}

// left returns how long the host is left alone yet.
func (b *breaker) left(trigger types.NamespacedName, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.away[trigger].until.Sub(now), 0)
}

// close is for a host that has answered, and a Trigger that is gone.
func (b *breaker) close(trigger types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.away, trigger)
}
