// Package install brings the ConfigRepos that a Helm release lists in its values
// in line with that list. Helm can't do it itself: it looks up the kind of every
// object before it creates the first, the CRD included, and an object that comes
// from a hook is deleted and created anew at each upgrade, its status lost.
//
// A ConfigRepo that the release hasn't made is never touched.
package install

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Labels of the ConfigRepos that a release has made: they are what it may change
// and delete.
const (
	ReleaseLabel          = v1alpha1.Group + "/release"
	ReleaseNamespaceLabel = v1alpha1.Group + "/release-namespace"
)

const fieldManager = v1alpha1.FieldManager + "-install"

// Action is what was done to a ConfigRepo.
type Action string

// The actions, in the words of kubectl.
const (
	Created    Action = "created"
	Configured Action = "configured"
	Unchanged  Action = "unchanged"
	Deleted    Action = "deleted"
)

// Change is a ConfigRepo and what was done to it.
type Change struct {
	types.NamespacedName
	Action Action
}

// Release is a Helm release whose ConfigRepos are managed.
type Release struct {
	// Client whose server is the release's cluster.
	Client client.Client
	// Namespace and Name identify the release.
	Namespace, Name string
	// Scope lists the namespaces in which ConfigRepos of the release are looked
	// for. Empty means all.
	Scope []string
	// Patience is how long the API server may take to serve a new CRD, to honour
	// new rights, and to reach an admission webhook that is being installed too.
	Patience time.Duration
}

// Apply creates and updates the wanted ConfigRepos, and deletes those of the
// release that aren't wanted. If the API server refuses one, none is changed.
func (r *Release) Apply(ctx context.Context, wanted []*unstructured.Unstructured) ([]Change, error) {
	existing, err := r.await(ctx)
	if err != nil {
		return nil, err
	}
	live := make([]*unstructured.Unstructured, len(wanted))
	var refused []error
	for i, repo := range wanted {
		r.label(repo)
		if live[i], err = r.rehearse(ctx, repo); err != nil {
			refused = append(refused, fmt.Errorf("ConfigRepo %s: %w", keyOf(repo), err))
		}
	}
	if len(refused) > 0 {
		return nil, errors.Join(refused...)
	}
	changes := make([]Change, 0, len(wanted))
	keep := map[types.NamespacedName]bool{}
	for i, repo := range wanted {
		change, err := r.apply(ctx, repo, live[i])
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
		keep[change.NamespacedName] = true
	}
	deleted, err := r.prune(ctx, existing, keep)
	return append(changes, deleted...), err
}

// await lists the release's ConfigRepos as soon as that is possible.
func (r *Release) await(ctx context.Context) ([]unstructured.Unstructured, error) {
	var repos []unstructured.Unstructured
	var last error
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, r.Patience, true, func(ctx context.Context) (bool, error) {
		repos, last = r.list(ctx)
		return last == nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the release's ConfigRepos: %w", errors.Join(last, err))
	}
	return repos, nil
}

func (r *Release) list(ctx context.Context) ([]unstructured.Unstructured, error) {
	scope := r.Scope
	if len(scope) == 0 {
		scope = []string{""}
	}
	var repos []unstructured.Unstructured
	for _, namespace := range scope {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(configRepoKind())
		if err := r.Client.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(r.labels())); err != nil {
			return nil, err
		}
		repos = append(repos, list.Items...)
	}
	return repos, nil
}

// rehearse returns the live object, nil if there is none, and why the wanted one
// couldn't be applied.
func (r *Release) rehearse(ctx context.Context, repo *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(configRepoKind())
	err := r.Client.Get(ctx, keyOf(repo), live)
	switch {
	case apierrors.IsNotFound(err):
		live = nil
	case err != nil:
		return nil, err
	case !r.owns(live):
		return nil, fmt.Errorf("it exists already and isn't of this release; delete it, take it out of the values, "+
			"or hand it over with the labels %s=%s and %s=%s", ReleaseLabel, r.Name, ReleaseNamespaceLabel, r.Namespace)
	}
	return live, r.patch(ctx, repo.DeepCopy(), client.DryRunAll)
}

func (r *Release) apply(ctx context.Context, repo, live *unstructured.Unstructured) (Change, error) {
	change := Change{NamespacedName: keyOf(repo), Action: Created}
	if err := r.patch(ctx, repo); err != nil {
		return change, fmt.Errorf("apply ConfigRepo %s: %w", change.NamespacedName, err)
	}
	switch {
	case live == nil:
	case live.GetUID() == repo.GetUID() && live.GetResourceVersion() == repo.GetResourceVersion():
		change.Action = Unchanged
	default:
		change.Action = Configured
	}
	return change, nil
}

func (r *Release) patch(ctx context.Context, repo *unstructured.Unstructured, opts ...client.ApplyOption) error {
	opts = append(opts, client.FieldOwner(fieldManager), client.ForceOwnership)
	wanted := repo.DeepCopy()
	var last error
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, r.Patience, true, func(ctx context.Context) (bool, error) {
		wanted.DeepCopyInto(repo)
		last = r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(repo), opts...)
		return !undecided(last), nil
	})
	if wait.Interrupted(err) {
		return errors.Join(last, err)
	}
	return last
}

// undecided reports whether the API server could not come to a decision. That it
// can't reach a webhook is told from other internal errors, an unknown field
// for one, by nothing but the text.
func undecided(err error) bool {
	return apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook") ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err)
}

func (r *Release) prune(ctx context.Context, existing []unstructured.Unstructured, keep map[types.NamespacedName]bool) ([]Change, error) {
	var changes []Change
	for i := range existing {
		repo := &existing[i]
		key, uid := keyOf(repo), repo.GetUID()
		if keep[key] {
			continue
		}
		err := r.Client.Delete(ctx, repo, client.Preconditions{UID: &uid})
		if client.IgnoreNotFound(err) != nil {
			return changes, fmt.Errorf("delete ConfigRepo %s: %w", key, err)
		}
		changes = append(changes, Change{NamespacedName: key, Action: Deleted})
	}
	return changes, nil
}

func (r *Release) labels() map[string]string {
	return map[string]string{ReleaseLabel: r.Name, ReleaseNamespaceLabel: r.Namespace}
}

func (r *Release) label(repo *unstructured.Unstructured) {
	labels := repo.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, r.labels())
	repo.SetLabels(labels)
}

func (r *Release) owns(repo *unstructured.Unstructured) bool {
	labels := repo.GetLabels()
	return labels[ReleaseLabel] == r.Name && labels[ReleaseNamespaceLabel] == r.Namespace
}

func configRepoKind() schema.GroupVersionKind {
	return v1alpha1.GroupVersion().WithKind(v1alpha1.ConfigRepoKind)
}
