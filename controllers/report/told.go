package report

import (
	"crypto/sha256"
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
	// id of its check, and a digest of what that says of its jobs.
	id   string
	jobs [sha256.Size]byte
}

// post is a message, and what became of it.
type post struct {
	message
	// check: it was one, and no status.
	check bool
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

// says reports whether it is what the host is to be told. Of jobs a status tells
// nothing.
func (p *post) says(want message) bool {
	if !p.check {
		want.jobs = p.jobs
	}
	return p.message == want
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
