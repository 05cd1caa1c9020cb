package configrepo

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
)

// OnWake has the end of each task in the background told.
func (r *Reconciler) OnWake(tell func(types.NamespacedName)) { r.background.wake = tell }

// IsBusy reports whether a task is running, or has ended and was not taken up.
func (r *Reconciler) IsBusy(name types.NamespacedName) bool { return r.background.of(name) != nil }

// Stop ends the background as the end of the manager does, with a context that is
// over.
func (r *Reconciler) Stop(ctx context.Context) { _ = r.background.Start(ctx) }

// SetRoom bounds what commits take in memory with defaults. 0: as it is.
func (r *Reconciler) SetRoom(bytes int) { r.room = bytes }
