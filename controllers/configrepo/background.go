package configrepo

import (
	"context"
	"fmt"
	"runtime/debug"
	stdsync "sync"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kayci/kayci/api/v1alpha1"
)

// background runs what waits for a server or for an evaluation, so that nothing
// of it keeps a reconcile worker. There is one task for a ConfigRepo at a time.
type background struct {
	// wake has the ConfigRepo reconciled, which takes up what its task has found.
	wake func(types.NamespacedName)

	mu    stdsync.Mutex
	tasks map[types.NamespacedName]*task
	// stopped: the process is ending, and nothing more begins.
	stopped bool
	running stdsync.WaitGroup
}

// step is what a reconcile does with the outcome of a task.
type step func(ctx context.Context, s *sync) (ctrl.Result, error)

// version is a ConfigRepo at one state of its spec.
type version struct {
	uid        types.UID
	generation int64
}

func versionOf(repo *v1alpha1.ConfigRepo) version { return version{repo.UID, repo.Generation} }

// task is work for a ConfigRepo as it was at a version.
type task struct {
	about  version
	cancel context.CancelFunc
	ended  chan struct{}
	// next is set once the task has ended, unless it was cancelled: what it has
	// found then says nothing.
	next step
}

func (t *task) hasEnded() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// of returns the task of a ConfigRepo that is running or has an outcome, or nil.
func (b *background) of(name types.NamespacedName) *task {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tasks[name]
}

// drop forgets a task that has ended.
func (b *background) drop(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tasks, name)
}

// cancel ends a task and reports whether it is still running.
func (b *background) cancel(name types.NamespacedName) bool {
	t := b.of(name)
	if t == nil || t.hasEnded() {
		return false
	}
	t.cancel()
	return true
}

// begin starts a task. It outlives the reconcile that begins it, but not the
// process, the ConfigRepo or the spec.
func (b *background) begin(ctx context.Context, name types.NamespacedName, about version, work func(context.Context) step) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &task{about: about, cancel: cancel, ended: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		cancel()
		return
	}
	if b.tasks == nil {
		b.tasks = map[types.NamespacedName]*task{}
	}
	b.tasks[name] = t
	b.running.Go(func() {
		defer cancel()
		if next := guarded(ctx, work); ctx.Err() == nil {
			t.next = next
		}
		close(t.ended)
		if b.wake != nil {
			b.wake(name)
		}
	})
}

// guarded turns a panic into a failed look: what is read comes from strangers, and
// no single one of them may end the process.
func guarded(ctx context.Context, work func(context.Context) step) (next step) {
	defer func() {
		if cause := recover(); cause != nil {
			err := fmt.Errorf("a fault of KayCI: %v", cause)
			logf.FromContext(ctx).Error(err, "sync panicked", "stack", string(debug.Stack()))
			next = func(ctx context.Context, s *sync) (ctrl.Result, error) { return s.finishLook(ctx, look{}, err) }
		}
	}()
	return work(ctx)
}

// Start ends all tasks with the manager. It waits for them, because their child
// processes and files are not to outlive it.
func (b *background) Start(ctx context.Context) error {
	<-ctx.Done()
	b.mu.Lock()
	b.stopped = true
	for _, t := range b.tasks {
		t.cancel()
	}
	b.mu.Unlock()
	b.running.Wait()
	return nil
}
