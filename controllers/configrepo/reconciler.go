// Package configrepo keeps a namespace's Pipelines and Triggers as the newest
// commit of its config repository says.
//
// A reconcile either looks at the repository, when that is due, or only puts
// back what was changed by hand, from what it remembers of the last sync. What
// takes long, a server's answer or an evaluation, goes on in the background and
// has the ConfigRepo reconciled again when it ends. Memory saves work and decides
// nothing: after a restart everything is found again in the status and the
// repository.
package configrepo

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	stdsync "sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/places"
	"github.com/kayci/kayci/controllers/run/settled"
	"github.com/kayci/kayci/render"
	"github.com/kayci/kayci/sync/apply"
	"github.com/kayci/kayci/sync/git"
)

// Fetcher reads git repositories. git.Head, git.Fetch and git.Checkout say what its
// methods promise.
type Fetcher interface {
	Head(ctx context.Context, req git.Request) (git.Revision, error)
	Fetch(ctx context.Context, req git.Request, rev git.Revision) error
	Checkout(ctx context.Context, req git.Request, rev git.Revision, dir string) (left int, err error)
}

// Renderer evaluates a commit's files. render.Render says what it promises.
type Renderer func(ctx context.Context, opts render.Options) (render.Result, error)

// Reconciler syncs ConfigRepos. It runs on one replica only.
type Reconciler struct {
	// Client reads from the cache and writes.
	Client client.Client
	// APIReader reads Secrets, and objects that are about to be changed.
	APIReader client.Reader
	// Recorder tells about applied commits and about failures, once each.
	Recorder events.EventRecorder
	// Clock tells when a look at a repository is due.
	Clock clock.PassiveClock
	// Metrics tell how fresh namespaces are. nil: not told.
	Metrics *Metrics
	// Fetcher reads repositories: Git outside tests.
	Fetcher Fetcher
	// Render evaluates files: render.Render outside tests.
	Render Renderer
	// Image, GitImage and Store are handed on as render.Options'.
	Image, GitImage, Store string
	// RenderCommand is handed on as render.Options.Exec.
	RenderCommand []string
	// Installed are the installation's defaults for jobs. nil: none.
	Installed *revision.Installed
	// StoragePath is a folder for git stores and checkouts. It may be lost.
	StoragePath string

	memory     memory
	background background
	// connections are held while a server is talked to. Each evaluation is a child
	// process that may take most of the memory that the controller's own leaves, so
	// that two of them could end in the controller being killed.
	connections, evaluations *places.Places
	// room is what all objects of a commit may take in memory with the defaults for
	// jobs.
	room     int
	prepared stdsync.Once
}

// prepare makes what a Reconciler needs beside its exported fields.
func (r *Reconciler) prepare() {
	r.prepared.Do(func() {
		r.connections = places.New(connections, true)
		r.evaluations = places.New(1, false)
		r.room = cmp.Or(r.room, render.DefaultDecoded)
	})
}

// Reconcile looks at the repository if that is due, and otherwise only at the
// objects.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	r.prepare()
	var repo v1alpha1.ConfigRepo
	if err := r.Client.Get(ctx, req.NamespacedName, &repo); err != nil {
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.forget(req)
		}
		return ctrl.Result{}, fmt.Errorf("read the ConfigRepo: %w", err)
	}
	if !repo.DeletionTimestamp.IsZero() {
		r.background.cancel(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if repo.Spec.Suspend {
		r.background.cancel(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	known := r.memory.of(&repo)
	s := r.newSync(known.latest(&repo), known)
	result, err := s.run(ctx)
	r.Metrics.ready(s.repo)
	return result, err
}

// forget cleans up after a ConfigRepo that was deleted. Its objects stay: they
// may have Runs, and another ConfigRepo may adopt them.
func (r *Reconciler) forget(req ctrl.Request) error {
	if r.background.cancel(req.NamespacedName) {
		// Its files are still in use. Its end comes back here.
		return nil
	}
	r.background.drop(req.NamespacedName)
	r.memory.drop(req.NamespacedName)
	r.Metrics.forget(req.NamespacedName)
	gone := &v1alpha1.ConfigRepo{}
	gone.Namespace, gone.Name = req.Namespace, req.Name
	if err := os.RemoveAll(r.folder(gone)); err != nil {
		return fmt.Errorf("remove the git store: %w", err)
	}
	return nil
}

// folder is where a ConfigRepo's files are. Namespaces and names are DNS labels,
// so they are safe as names of folders.
func (r *Reconciler) folder(repo *v1alpha1.ConfigRepo) string {
	return filepath.Join(r.StoragePath, repo.Namespace, repo.Name)
}

// newSync returns a reconcile of a repo that may be changed.
func (r *Reconciler) newSync(repo *v1alpha1.ConfigRepo, known *knowledge) *sync {
	try := rehearsal{client: r.Client, passed: &known.passed, installed: r.Installed, merged: repo.Spec.JobDefaults != nil}
	return &sync{
		Reconciler: r,
		applier:    apply.Applier{Client: r.Client, Live: r.APIReader, Settled: settled.Runs, Try: try.try},
		repo:       repo,
		saved:      repo.DeepCopy(),
		known:      known,
	}
}

// Defaults of the spec, for objects that were stored without them.
const (
	defaultInterval = 5 * time.Minute
	defaultTimeout  = time.Minute

	defaultPruneTimeout = time.Hour
)

func interval(repo *v1alpha1.ConfigRepo) time.Duration {
	if repo.Spec.Interval == nil {
		return defaultInterval
	}
	return repo.Spec.Interval.Duration
}

func timeout(repo *v1alpha1.ConfigRepo) time.Duration {
	if repo.Spec.Timeout == nil {
		return defaultTimeout
	}
	return repo.Spec.Timeout.Duration
}

func pruneTimeout(repo *v1alpha1.ConfigRepo) time.Duration {
	if repo.Spec.PruneTimeout == nil {
		return defaultPruneTimeout
	}
	return repo.Spec.PruneTimeout.Duration
}
