package configrepo

import (
	stdsync "sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
)

// memory holds what is known of each ConfigRepo. Its zero value is empty.
type memory struct {
	mu    stdsync.Mutex
	repos map[types.NamespacedName]*knowledge
}

// knowledge is what one reconcile leaves to the next. Reconciles of an object
// never overlap, and tasks in the background don't see it, so it needs no lock.
type knowledge struct {
	uid types.UID
	// stored is the ConfigRepo as the last write of its status left it. The cache
	// may not have seen that yet.
	stored *v1alpha1.ConfigRepo
	// rendered is the newest rendering.
	rendered rendering
	// merged is that rendering with the defaults for jobs.
	merged merged
	// refusal is of the newest commit, if that can't be rendered.
	refusal *refusal
	// applied is the rendering that the cluster holds; nil: unknown, or only a
	// part of one.
	applied []apply.Desired
	// passed are the templates that the API server would take.
	passed passed
	// due is when to look at the repository again. Zero: at once.
	due time.Time
	// refusedSecrets are the versions of the Secrets that were refused, or missing;
	// nil if none were.
	refusedSecrets []string
	// failures in a row that are being retried.
	failures int
}

// rendering is a commit as objects, and what is known of how it was made. It is never
// changed. Renderings of one ConfigRepo share the objects that they have in common.
type rendering struct {
	// key names all that it depends on; blank: there is none.
	key     string
	desired []apply.Desired
	known   *render.Known
}

// of returns what is known of an object, which is nothing if it was made anew
// under an old name.
func (m *memory) of(repo *v1alpha1.ConfigRepo) *knowledge {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := client.ObjectKeyFromObject(repo)
	if k := m.repos[name]; k != nil && k.uid == repo.UID {
		return k
	}
	if m.repos == nil {
		m.repos = map[types.NamespacedName]*knowledge{}
	}
	k := &knowledge{uid: repo.UID}
	m.repos[name] = k
	return k
}

func (m *memory) drop(name types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.repos, name)
}

// latest returns the newer of what the cache has and what was written last. An
// older status would be compared with, and patched against, in vain.
func (k *knowledge) latest(cached *v1alpha1.ConfigRepo) *v1alpha1.ConfigRepo {
	if k.stored == nil {
		return cached
	}
	order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, k.stored.ResourceVersion)
	if err != nil || order >= 0 {
		k.stored = nil
		return cached
	}
	return k.stored.DeepCopy()
}

// lookIsDue reports whether the repository has to be asked for its head: it is
// time, the spec is new, or somebody has requested it.
func (k *knowledge) lookIsDue(repo *v1alpha1.ConfigRepo, now time.Time) bool {
	requested, ok := meta.ReconcileAnnotationValue(repo.Annotations)
	return !now.Before(k.due) ||
		repo.Generation != repo.Status.ObservedGeneration ||
		ok && requested != repo.Status.LastHandledReconcileAt
}
