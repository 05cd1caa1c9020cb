// Package decisions keeps the last decisions of each Trigger in its status. They
// are for people who look: what has to be stored before somebody is answered is
// stored elsewhere. So they are written together, seldom, and may be lost.
package decisions

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// pause between two writes of a replica to the same status.
	pause = 2 * time.Second
	// flushTimeout bounds the writes of one round, and those at the process's end.
	flushTimeout = 10 * time.Second
	// maxTriggers bounds the memory while the API server can't be reached.
	maxTriggers = 10_000
)

// Recorder collects decisions and writes them. It is a Runnable of a manager, on
// every replica.
type Recorder struct {
	client client.Client
	clock  clock.WithTicker
	log    logr.Logger

	mu      sync.Mutex
	batches map[client.ObjectKey]*batch
}

// NewRecorder returns a Recorder that reads Triggers from the client's cache and
// writes their status.
func NewRecorder(c client.Client, clock clock.WithTicker, log logr.Logger) *Recorder {
	return &Recorder{client: c, clock: clock, log: log, batches: map[client.ObjectKey]*batch{}}
}

// Add notes a decision of a Trigger, at the present time. It doesn't wait. A nil
// Recorder notes nothing.
func (r *Recorder) Add(trigger client.ObjectKey, decision v1alpha1.Decision) {
	if r == nil {
		return
	}
	decision.Time.Time = r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.batches[trigger]
	if !ok {
		if len(r.batches) == maxTriggers {
			return
		}
		found = &batch{}
		r.batches[trigger] = found
	}
	found.add(shown(decision))
}

// NeedLeaderElection says that every replica notes what it decides.
func (r *Recorder) NeedLeaderElection() bool { return false }

// Start writes until the context ends, and then once more.
func (r *Recorder) Start(ctx context.Context) error {
	ticker := r.clock.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.flush(context.WithoutCancel(ctx))
			return nil
		case <-ticker.C():
			r.flush(ctx)
		}
	}
}

// flush writes what was noted. What can't be written now is kept for the next
// round.
func (r *Recorder) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	r.mu.Lock()
	batches := r.batches
	r.batches = map[client.ObjectKey]*batch{}
	r.mu.Unlock()
	for key, noted := range batches {
		err := r.write(ctx, key, noted)
		if err == nil {
			continue
		}
		if !apierrors.IsConflict(err) {
			r.log.Error(err, "Record a Trigger's decisions", "namespace", key.Namespace, "trigger", key.Name)
		}
		r.putBack(key, noted)
	}
}

// putBack keeps what could not be written before what was noted since.
func (r *Recorder) putBack(key client.ObjectKey, earlier *batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	later, ok := r.batches[key]
	if !ok && len(r.batches) == maxTriggers {
		return
	}
	if ok {
		for _, decision := range later.taken {
			earlier.add(decision)
		}
	}
	r.batches[key] = earlier
}

func (r *Recorder) write(ctx context.Context, key client.ObjectKey, noted *batch) error {
	var trigger v1alpha1.Trigger
	err := r.client.Get(ctx, key, &trigger)
	if apierrors.IsNotFound(err) || err == nil && trigger.DeletionTimestamp != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the Trigger: %w", err)
	}
	before := trigger.DeepCopy()
	trigger.Status.Recent = noted.merge(trigger.Status.Recent)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err = r.client.Status().Patch(ctx, &trigger, patch, client.FieldOwner(v1alpha1.FieldManager))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}
