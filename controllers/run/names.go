package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// clockSkew is how far the API server's clock may be before this process's.
const clockSkew = time.Minute

// names are what a process knows of Runs whose objects may have other names than
// their own. That each is made once rests on its having one name at any time: the
// other one counts from when it is recorded, and before that nothing has it. So
// nothing may be made by an older reading of the Run. As only one process leads, a Run
// that is younger than its lead needs no word from the API server, unless this very
// process has renamed something of it.
type names struct {
	mu      sync.Mutex
	began   time.Time // when this process first made anything, or forgot what it renamed
	renames map[types.UID]bool
}

// maxRenames bounds of how many Runs it is remembered.
const maxRenames = 1000

// renaming notes that a name of the Run is about to be recorded: the answer may be
// lost, and the cache behind.
func (n *names) renaming(run types.UID, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.renames) >= maxRenames {
		n.renames, n.began = nil, now
	}
	if n.renames == nil {
		n.renames = map[types.UID]bool{}
	}
	n.renames[run] = true
}

// certain reports whether no name can be recorded that this reading of the Run
// doesn't show.
func (n *names) certain(run *v1alpha1.Run, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.began.IsZero() {
		n.began = now
	}
	return run.CreationTimestamp.After(n.began.Add(clockSkew)) && !n.renames[run.UID]
}

// confirmNames comes before anything of the Run is made.
func (r *Reconciler) confirmNames(ctx context.Context, o *observation) error {
	if o.confirmed || r.names.certain(o.Run, o.Now) {
		return nil
	}
	var found v1alpha1.Run
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(o.Run), &found)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return fmt.Errorf("get run %s: %w", o.Run.Name, err)
	case err != nil, found.UID != o.Run.UID, !slices.Equal(found.Status.Renamed, o.Run.Status.Renamed):
		return apierrors.NewConflict(schema.GroupResource{Group: v1alpha1.Group, Resource: "runs"}, o.Run.Name, errors.New("the cache is behind"))
	}
	o.confirmed = true
	return nil
}

// rename notes that a part of the Run is to get another name, because something
// that isn't the Run's has its own. Nothing has that name before it is recorded.
func (r *Reconciler) rename(o *observation, part string) {
	r.names.renaming(o.Run.UID, o.Now)
	o.Renamed = append(o.Renamed, part)
}
