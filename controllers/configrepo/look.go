package configrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/reconcile"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/places"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
	"github.com/kayci/kayci/sync/git"
)

// look is one look at the repository. It goes on from reconcile to reconcile: ask
// for the head; if that is news, fetch and evaluate it; apply.
type look struct {
	request git.Request
	// requested is the request for a sync that the look answers.
	requested string
	// secrets are the versions of the Secrets that the request was made with.
	secrets []string
	// head is what the repository was found at, and rendering names the objects
	// that come out of it. Both are zero until the head is known.
	head      git.Revision
	rendering string
}

// revision is blank until the head is known.
func (l look) revision() string {
	if l.head == (git.Revision{}) {
		return ""
	}
	return l.head.String()
}

// begin asks for the head in the background.
func (s *sync) begin(ctx context.Context) (ctrl.Result, error) {
	var l look
	l.requested, _ = meta.ReconcileAnnotationValue(s.repo.Annotations)
	var err error
	// Before the Secrets themselves: a change in between is seen as one.
	if l.secrets, err = s.remote().SecretVersions(ctx, s.APIReader); err != nil {
		return s.finishLook(ctx, l, err)
	}
	request, err := s.request(ctx)
	if err != nil {
		return s.finishLook(ctx, l, err)
	}
	l.request = request
	r, namespace, limit := s.Reconciler, s.repo.Namespace, timeout(s.repo)
	s.inBackground(ctx, func(ctx context.Context) step {
		head, err := r.head(ctx, namespace, limit, request)
		l.head = head
		return func(ctx context.Context, s *sync) (ctrl.Result, error) { return s.gotHead(ctx, l, err) }
	})
	return ctrl.Result{}, nil
}

func (s *sync) inBackground(ctx context.Context, work func(context.Context) step) {
	s.background.begin(ctx, s.name(), versionOf(s.repo), work)
}

func (r *Reconciler) head(ctx context.Context, namespace string, limit time.Duration, request git.Request) (git.Revision, error) {
	ctx, release, err := r.connections.Take(ctx, namespace, connectionSlice)
	if err != nil {
		return git.Revision{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.Fetcher.Head(ctx, request)
}

// gotHead goes on with what is remembered of this commit, or has it evaluated in
// the background.
func (s *sync) gotHead(ctx context.Context, l look, err error) (ctrl.Result, error) {
	if err != nil {
		l.head = git.Revision{}
		return s.finishLook(ctx, l, err)
	}
	if l.rendering, err = renderingKey(s.repo, l.head); err != nil {
		return ctrl.Result{}, err
	}
	if s.known.rendered.key == l.rendering {
		return s.conclude(ctx, l, s.known.rendered.desired)
	}
	if refused := s.refused(l, l.rendering); refused != nil {
		s.repo.Status.LastAttemptedRevision = l.revision()
		return s.finishLook(ctx, l, refused)
	}
	r, work := s.Reconciler, s.evaluationOf(l)
	s.inBackground(ctx, func(ctx context.Context) step {
		rendered, err := r.evaluate(ctx, work)
		return func(ctx context.Context, s *sync) (ctrl.Result, error) { return s.gotObjects(ctx, l, rendered, err) }
	})
	// A status with a long inventory takes the API server a while. Nothing waits for
	// it, and the outcome can't come before it: reconciles don't overlap.
	return ctrl.Result{}, s.announce(ctx, l.head)
}

// refused returns what is known against a rendering, unless a person has asked for
// another try.
func (s *sync) refused(l look, rendering string) error {
	if l.requested != s.repo.Status.LastHandledReconcileAt {
		return nil
	}
	return s.known.refusal.of(rendering, timeout(s.repo), s.Clock.Now())
}

// renderingKey names everything that a rendering depends on.
func renderingKey(repo *v1alpha1.ConfigRepo, head git.Revision) (string, error) {
	key, err := json.Marshal([]any{repo.Spec.URL, head.Commit, repo.Spec.Path, repo.Spec.Vars, repo.Spec.Ignore})
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

// evaluation is a commit to fetch and evaluate, with all that it takes.
type evaluation struct {
	request git.Request
	head    git.Revision
	// repo names the owner of the objects; folder is where files go.
	repo, folder string
	options      render.Options
	// rendering names what is to be made, and before is what was made last.
	rendering string
	before    rendering
	// limit bounds the fetch, and then again the evaluation. slice is how long the
	// evaluation may keep others waiting.
	limit, slice time.Duration
}

func (s *sync) evaluationOf(l look) evaluation {
	return evaluation{
		request: l.request,
		head:    l.head,
		repo:    s.repo.Name,
		folder:  s.folder(s.repo),
		options: render.Options{
			Path:      s.repo.Spec.Path,
			Namespace: s.repo.Namespace,
			Vars:      s.repo.Spec.Vars,
			Image:     s.Image,
			GitImage:  s.GitImage,
			Store:     s.Store,
			Exec:      s.RenderCommand,
			Known:     s.known.rendered.known,
		},
		rendering: l.rendering,
		before:    s.known.rendered,
		limit:     timeout(s.repo),
		slice:     s.known.refusal.slice(l.rendering),
	}
}

// evaluate fetches a commit and turns it into objects. Waiting for the server
// takes no part of what unpacking and evaluating take: there are many connections
// at once, and one evaluation.
func (r *Reconciler) evaluate(ctx context.Context, work evaluation) (rendering, error) {
	if err := r.fetch(ctx, work); err != nil {
		return rendering{}, err
	}
	evaluating, release, err := r.evaluations.Take(ctx, work.options.Namespace, work.slice)
	if err != nil {
		return rendering{}, err
	}
	defer release()
	result, err := r.renderCommit(evaluating, work)
	switch {
	case errors.Is(context.Cause(evaluating), places.ErrOvertaken) && err != nil:
		return rendering{}, overtaken(work.slice)
	case err != nil:
		return rendering{}, err
	}
	fresh, err := apply.Prepare(work.repo, result.Objects)
	if err != nil {
		return rendering{}, err
	}
	return rendering{key: work.rendering, desired: apply.Carry(work.before.desired, result.Unchanged, fresh), known: result.Known}, nil
}

func (r *Reconciler) fetch(ctx context.Context, work evaluation) error {
	ctx, release, err := r.connections.Take(ctx, work.options.Namespace, connectionSlice)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, work.limit)
	defer cancel()
	return r.Fetcher.Fetch(ctx, work.request, work.head)
}

// renderCommit evaluates a commit in a folder that goes with it.
func (r *Reconciler) renderCommit(ctx context.Context, work evaluation) (result render.Result, err error) {
	dir := filepath.Join(work.folder, "tree")
	// A process that was killed may have left one.
	if err := os.RemoveAll(dir); err != nil {
		return result, storageFailed(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return result, storageFailed(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	left, err := r.Fetcher.Checkout(ctx, work.request, work.head, dir)
	if err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(ctx, work.limit)
	defer cancel()
	work.options.Dir = dir
	result, err = r.Render(ctx, work.options)
	if files, ok := errors.AsType[render.Errors](err); ok && left > 0 {
		// One of them may be what an import didn't find.
		err = slices.Concat(files, render.Errors{{Message: fmt.Sprintf(
			"beside this: %d files and folders outside of spec.path are more than the limits allow, or have names that are refused, and were left out", left)}})
	}
	return result, err
}

// gotObjects remembers how the evaluation ended, so that it isn't repeated.
func (s *sync) gotObjects(ctx context.Context, l look, rendered rendering, err error) (ctrl.Result, error) {
	if err != nil {
		s.repo.Status.LastAttemptedRevision = l.revision()
		return s.finishLook(ctx, l, s.known.refuse(l.rendering, timeout(s.repo), err, s.Clock.Now()))
	}
	s.known.refusal = nil
	s.known.rendered = rendered
	return s.conclude(ctx, l, rendered.desired)
}

// conclude makes the namespace hold the objects of the newest commit.
func (s *sync) conclude(ctx context.Context, l look, desired []apply.Desired) (ctrl.Result, error) {
	s.repo.Status.LastAttemptedRevision = l.revision()
	if len(desired) == 0 && !s.repo.Spec.AllowEmpty {
		return s.finishLook(ctx, l, emptyCommit())
	}
	return s.withJobDefaults(ctx, l, desired)
}

// land applies the objects.
func (s *sync) land(ctx context.Context, l look, desired []apply.Desired) (ctrl.Result, error) {
	err := s.apply(ctx, desired)
	switch {
	case ctx.Err() != nil:
		// The process is being stopped; the commit is not to blame.
		return ctrl.Result{}, ctx.Err()
	case errors.Is(err, errChangedMeanwhile):
		return s.lookAgain(), nil
	case err == nil:
		s.known.applied = desired
	}
	return s.finishLook(ctx, l, err)
}
