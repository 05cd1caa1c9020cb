package configrepo

import (
	"context"
	"errors"
	"path/filepath"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/remote"
	"github.com/kayci/kayci/sync/apply"
	"github.com/kayci/kayci/sync/git"
)

// sync is one reconcile of one ConfigRepo.
type sync struct {
	*Reconciler
	applier apply.Applier
	// repo is changed as the reconcile goes on; saved is what is stored of it.
	repo, saved *v1alpha1.ConfigRepo
	known       *knowledge
	// done adds up what was done to the objects, and waiting are Pipelines that are
	// pruned later.
	done    apply.Result
	waiting []apply.Wait
}

// run does what is due: it takes up what was done in the background, or begins a
// look, or only puts back what was changed by hand.
func (s *sync) run(ctx context.Context) (ctrl.Result, error) {
	if t := s.background.of(s.name()); t != nil {
		if !t.hasEnded() {
			return s.meanwhile(ctx, t)
		}
		s.background.drop(s.name())
		if t.next != nil && t.about == versionOf(s.repo) {
			return t.next(ctx, s)
		}
	}
	if !s.known.lookIsDue(s.repo, s.Clock.Now()) && !s.secretsHaveChanged(ctx) {
		if err := s.restore(ctx); err == nil {
			return s.finishRestore(ctx)
		}
		// A look tries again, and reports what is in the way.
	}
	return s.begin(ctx)
}

// meanwhile is for the time that a task runs. Its end has the ConfigRepo
// reconciled.
func (s *sync) meanwhile(ctx context.Context, t *task) (ctrl.Result, error) {
	if t.about != versionOf(s.repo) {
		t.cancel()
		return ctrl.Result{}, nil
	}
	if err := s.restore(ctx); err != nil {
		// The look that is under way tries again, and reports what is in the way.
		return ctrl.Result{}, nil //nolint:nilerr // see above
	}
	_, err := s.finishRestore(ctx)
	return ctrl.Result{}, err
}

func (s *sync) name() types.NamespacedName { return client.ObjectKeyFromObject(s.repo) }

// restore puts back what was changed by hand since the last sync.
func (s *sync) restore(ctx context.Context) error {
	if s.known.applied == nil {
		return nil
	}
	return s.apply(ctx, s.known.applied)
}

// request says how to reach the repository. Secrets are read anew each time, so
// that they aren't held in memory and a new one is used at once.
func (s *sync) request(ctx context.Context) (git.Request, error) {
	request := git.Request{
		Ref:   s.repo.Spec.Ref,
		Store: filepath.Join(s.folder(s.repo), string(s.repo.UID)),

		Path:   s.repo.Spec.Path,
		Ignore: s.repo.Spec.Ignore,
	}
	err := s.remote().Reach(ctx, s.APIReader, &request)
	return request, err
}

func (s *sync) remote() remote.Remote {
	spec := s.repo.Spec
	return remote.Remote{Namespace: s.repo.Namespace, URL: spec.URL, SecretRef: spec.SecretRef, ProxySecretRef: spec.ProxySecretRef}
}

// apply makes the namespace hold these objects, and keeps the inventory.
func (s *sync) apply(ctx context.Context, desired []apply.Desired) error {
	prune := s.repo.Spec.Prune == nil || *s.repo.Spec.Prune
	result, err := s.applier.Sync(ctx, apply.Input{
		Namespace: s.repo.Namespace,
		Repo:      s.repo.Name,
		Prune:     prune,
		// An empty commit was allowed on its own account.
		AllowPrune: s.repo.Spec.AllowPrune || len(desired) == 0,
		Desired:    desired,
		Inventory:  s.repo.Status.Inventory,
		Patience:   pruneTimeout(s.repo),
		Now:        s.Clock.Now(),
	}, s.track)
	s.repo.Status.Inventory = result.Inventory
	s.waiting = result.Waiting
	s.done.Created += result.Created
	s.done.Changed += result.Changed
	s.done.Pruned += result.Pruned
	var refused *apply.RefusedError
	var most *apply.MassPruneError
	if err != nil && !errors.As(err, &refused) && !errors.As(err, &most) {
		// Part of it may have been applied, and must not be taken for drift.
		s.known.applied = nil
	}
	return err
}

// errChangedMeanwhile is no failure: the ConfigRepo isn't the one any more that
// the look began with, and nothing was applied.
var errChangedMeanwhile = errors.New("the ConfigRepo has changed meanwhile")

// track stores the inventory before objects are made. The lock keeps a process
// that has just lost its leadership from overwriting its successor's.
func (s *sync) track(ctx context.Context, inventory *v1alpha1.Inventory) error {
	s.repo.Status.Inventory = inventory
	err := s.save(ctx, client.MergeFromWithOptimisticLock{})
	if apierrors.IsConflict(err) {
		return errChangedMeanwhile
	}
	return err
}
