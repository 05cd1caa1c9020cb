package configrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/reconcile"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
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
	// done adds up what was done to the objects.
	done apply.Result
}

// run does what is due and reports it.
func (s *sync) run(ctx context.Context) (ctrl.Result, error) {
	if !s.known.lookIsDue(s.repo, s.Clock.Now()) {
		if err := s.restore(ctx); err == nil {
			return s.finishRestore(ctx)
		}
		// A look tries again, and reports what is in the way.
	}
	revision, err := s.look(ctx)
	switch {
	case ctx.Err() != nil:
		// The process is being stopped; the commit is not to blame.
		return ctrl.Result{}, ctx.Err()
	case errors.Is(err, errChangedMeanwhile):
		return s.lookAgain(), nil
	default:
		return s.finishLook(ctx, revision, err)
	}
}

// restore puts back what was changed by hand since the last sync.
func (s *sync) restore(ctx context.Context) error {
	if s.known.applied == nil {
		return nil
	}
	return s.apply(ctx, s.known.applied)
}

// look makes the namespace hold the newest commit. It returns the revision, if
// that could be found out.
func (s *sync) look(ctx context.Context) (string, error) {
	request, err := s.request(ctx)
	if err != nil {
		return "", err
	}
	head, err := s.head(ctx, request)
	if err != nil {
		return "", err
	}
	revision := head.String()
	desired, err := s.desired(ctx, request, head)
	s.repo.Status.LastAttemptedRevision = revision
	if err != nil {
		return revision, err
	}
	if len(desired) == 0 && !s.repo.Spec.AllowEmpty {
		return revision, emptyCommit()
	}
	if err := s.apply(ctx, desired); err != nil {
		return revision, err
	}
	s.known.applied = desired
	return revision, nil
}

// request says how to reach the repository. The Secret is read anew each time,
// so that it isn't held in memory and a new one is used at once.
func (s *sync) request(ctx context.Context) (git.Request, error) {
	request := git.Request{
		URL:   s.repo.Spec.URL,
		Ref:   s.repo.Spec.Ref,
		Store: filepath.Join(s.folder(s.repo), string(s.repo.UID)),
	}
	ref := s.repo.Spec.SecretRef
	if ref == nil {
		return request, nil
	}
	var secret corev1.Secret
	err := s.APIReader.Get(ctx, client.ObjectKey{Namespace: s.repo.Namespace, Name: ref.Name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return request, secretNotFound(ref.Name)
	case err != nil:
		return request, fmt.Errorf("read Secret %q: %w", ref.Name, err)
	}
	request.Auth = secret.Data
	return request, nil
}

func (s *sync) head(ctx context.Context, request git.Request) (git.Revision, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout(s.repo))
	defer cancel()
	return s.Fetcher.Head(ctx, request)
}

// desired returns the objects of a commit, from memory if they are known.
func (s *sync) desired(ctx context.Context, request git.Request, head git.Revision) ([]apply.Desired, error) {
	key, err := renderingKey(s.repo, head)
	if err != nil {
		return nil, err
	}
	if s.known.rendered != nil && s.known.renderedKey == key {
		return s.known.rendered, nil
	}
	if err := s.announce(ctx, head); err != nil {
		return nil, err
	}
	objects, err := s.renderCommit(ctx, request, head)
	if err != nil {
		return nil, err
	}
	desired, err := apply.Prepare(s.repo.Name, objects)
	if err != nil {
		return nil, err
	}
	s.known.renderedKey, s.known.rendered = key, desired
	return desired, nil
}

// renderingKey names everything that a rendering depends on.
func renderingKey(repo *v1alpha1.ConfigRepo, head git.Revision) (string, error) {
	key, err := json.Marshal([]any{repo.Spec.URL, head.Commit, repo.Spec.Path, repo.Spec.Vars})
	return string(key), err
}

// announce shows that work on a new commit or spec has begun. A commit that was
// tried before is no news, nor is a restart.
func (s *sync) announce(ctx context.Context, head git.Revision) error {
	revision := head.String()
	status := s.repo.Status
	if status.LastAttemptedRevision == revision && status.ObservedGeneration == s.repo.Generation {
		return nil
	}
	reconcile.ProgressiveStatus(false, s.repo, meta.ProgressingReason, "syncing %s", revision)
	return s.save(ctx)
}

// renderCommit fetches and evaluates a commit in a folder that goes with it.
func (s *sync) renderCommit(ctx context.Context, request git.Request, head git.Revision) (_ []render.Object, err error) {
	dir := filepath.Join(s.folder(s.repo), "tree")
	// A process that was killed may have left one.
	if err := os.RemoveAll(dir); err != nil {
		return nil, storageFailed(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, storageFailed(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fetching, cancel := context.WithTimeout(ctx, timeout(s.repo))
	defer cancel()
	if err := s.Fetcher.Checkout(fetching, request, head, dir); err != nil {
		return nil, err
	}
	release, err := s.evaluation.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	evaluating, cancel := context.WithTimeout(ctx, timeout(s.repo))
	defer cancel()
	return s.Render(evaluating, render.Options{
		Dir:       dir,
		Path:      s.repo.Spec.Path,
		Namespace: s.repo.Namespace,
		Vars:      s.repo.Spec.Vars,
		Image:     s.Image,
		Exec:      s.RenderCommand,
	})
}

// apply makes the namespace hold these objects, and keeps the inventory.
func (s *sync) apply(ctx context.Context, desired []apply.Desired) error {
	prune := s.repo.Spec.Prune == nil || *s.repo.Spec.Prune
	result, err := s.applier.Sync(ctx, apply.Input{
		Namespace: s.repo.Namespace,
		Repo:      s.repo.Name,
		Prune:     prune,
		Desired:   desired,
		Inventory: s.repo.Status.Inventory,
	}, s.track)
	s.repo.Status.Inventory = result.Inventory
	s.done.Created += result.Created
	s.done.Changed += result.Changed
	s.done.Pruned += result.Pruned
	var refused *apply.RefusedError
	if err != nil && !errors.As(err, &refused) {
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
