package find

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// Finder finds what stands in a namespace.
type Finder struct {
	// Reader reads from the API server.
	Reader client.Reader
	// Namespace to look in. Blank: all of them, for lists alone.
	Namespace string
	// Kept is where Runs are found that were deleted. nil: nowhere.
	Kept Kept
}

// Run returns the Run that a person calls so, as Ref says. A *NotFoundError says what
// there is none of.
func (f Finder) Run(ctx context.Context, text string) (*v1alpha1.Run, error) {
	ref, err := ParseRef(text)
	if err != nil {
		return nil, err
	}
	if ref.Name != "" {
		run, err := f.named(ctx, ref.Name)
		if run != nil || err != nil {
			return run, err
		}
	}
	if ref.Name != "" && ref.Pipeline == "" {
		return f.keptOrNone(ctx, ref)
	}
	query := Query{Pipeline: ref.Pipeline, Limit: 1}
	if ref.Number != 0 {
		query.Keep = func(run *v1alpha1.Run) bool { return run.Status.Number == ref.Number }
	}
	found, err := f.there(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case len(found.Runs) == 0:
		return f.keptOrNone(ctx, ref)
	}
	return &found.Runs[0], nil
}

// keptOrNone returns a Run that was deleted, or says that there is none.
func (f Finder) keptOrNone(ctx context.Context, ref Ref) (*v1alpha1.Run, error) {
	run, err := f.kept(ctx, ref)
	if run != nil {
		return run, nil
	}
	return nil, both(f.noRun(ctx, ref), err)
}

// named returns the Run of a name, or nil.
func (f Finder) named(ctx context.Context, name string) (*v1alpha1.Run, error) {
	var run v1alpha1.Run
	err := f.Reader.Get(ctx, client.ObjectKey{Namespace: f.Namespace, Name: name}, &run)
	switch {
	case missing(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("get Run %s: %w", name, err)
	}
	return &run, nil
}

// Pipeline returns the Pipeline of a name. A *NotFoundError names what comes near.
func (f Finder) Pipeline(ctx context.Context, name string) (*v1alpha1.Pipeline, error) {
	if !IsName(name) {
		return nil, fmt.Errorf("%q is no name of a Pipeline", name)
	}
	var pipeline v1alpha1.Pipeline
	err := f.Reader.Get(ctx, client.ObjectKey{Namespace: f.Namespace, Name: name}, &pipeline)
	switch {
	case missing(err):
		return nil, f.noPipeline(ctx, name)
	case err != nil:
		return nil, fmt.Errorf("get Pipeline %s: %w", name, err)
	}
	return &pipeline, nil
}

// Spec returns what the Run executes: the copy that it is pinned to or, before it has
// one, its Pipeline's.
func (f Finder) Spec(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	if run.Spec.Revision == "" {
		pipeline, err := f.Pipeline(ctx, run.Spec.Pipeline)
		if err != nil {
			return nil, err
		}
		return &pipeline.Spec, nil
	}
	var copied appsv1.ControllerRevision
	err := f.Reader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &copied)
	if missing(err) {
		kept, failed := f.keptSpec(ctx, run)
		if kept != nil {
			return kept, nil
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return nil, fmt.Errorf("get the copy of Pipeline %s that Run %s executes: %w", run.Spec.Pipeline, run.Name, err)
	}
	spec, err := revision.Spec(&copied)
	if err != nil {
		return nil, fmt.Errorf("read the copy of Pipeline %s that Run %s executes: %w", run.Spec.Pipeline, run.Name, err)
	}
	return &spec, nil
}

// missing tells an object that isn't there from a kind that the API server doesn't
// serve.
func missing(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// ConfigRepo returns the ConfigRepo of a name, or without one the only one that there
// is.
func (f Finder) ConfigRepo(ctx context.Context, name string) (*v1alpha1.ConfigRepo, error) {
	if name == "" {
		names, err := f.Names(ctx, v1alpha1.ConfigRepoKind)
		switch {
		case err != nil:
			return nil, err
		case len(names) == 0:
			return nil, &NotFoundError{What: "ConfigRepo", Namespace: f.Namespace}
		case len(names) > 1:
			return nil, fmt.Errorf("there are several ConfigRepos: say which: %s", strings.Join(names, ", "))
		}
		name = names[0]
	}
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil, fmt.Errorf("%q is no name of a ConfigRepo", name)
	}
	var repo v1alpha1.ConfigRepo
	err := f.Reader.Get(ctx, client.ObjectKey{Namespace: f.Namespace, Name: name}, &repo)
	switch {
	case missing(err):
		names, _ := f.Names(ctx, v1alpha1.ConfigRepoKind)
		return nil, &NotFoundError{What: "ConfigRepo " + name, Namespace: f.Namespace, Near: Near(name, names)}
	case err != nil:
		return nil, fmt.Errorf("get ConfigRepo %s: %w", name, err)
	}
	return &repo, nil
}
