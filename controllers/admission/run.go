package admission

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// runs admits Runs.
type runs struct {
	// cached is asked first, and live when that doesn't lead to a yes.
	cached, live client.Reader
	access       access
}

// ValidateCreate refuses a Run that could never start. One of a Pipeline that
// doesn't exist is admitted: they may be created in any order, and its status
// says so. A cache may be behind, so it can't refuse anything.
func (v runs) ValidateCreate(ctx context.Context, run *v1alpha1.Run) (ctrladmission.Warnings, error) {
	spec, err := named(ctx, v.cached, run)
	if err == nil && spec != nil && len(validation.Run(run, spec)) == 0 {
		return nil, nil
	}
	if spec, err = named(ctx, v.live, run); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return nil, invalid(v1alpha1.RunKind, run, validation.Run(run, spec))
}

// ValidateUpdate admits every change that the kind's schema does, since a Run
// must stay possible to cancel whatever has become of its Pipeline. But a user
// who may patch Runs only to approve may do no more than that.
func (v runs) ValidateUpdate(ctx context.Context, before, after *v1alpha1.Run) (ctrladmission.Warnings, error) {
	if apiequality.Semantic.DeepEqual(besideApprovals(before), besideApprovals(after)) {
		return nil, nil
	}
	return nil, v.access.require(ctx, after, "update", "change more of a Run than its approvals")
}

// besideApprovals is what a user can change of a Run, but for its approvals. The
// status isn't changed by the requests that are asked about.
func besideApprovals(run *v1alpha1.Run) *v1alpha1.Run {
	rest := &v1alpha1.Run{ObjectMeta: *run.ObjectMeta.DeepCopy(), Spec: *run.Spec.DeepCopy()}
	rest.Spec.Approvals = nil
	// The API server's own.
	rest.ManagedFields, rest.ResourceVersion, rest.Generation = nil, "", 0
	return rest
}

// ValidateDelete is never asked: only writes are sent here.
func (v runs) ValidateDelete(context.Context, *v1alpha1.Run) (ctrladmission.Warnings, error) {
	return nil, nil
}

// named returns what the Run would execute, and nil if there is no such thing,
// or if the Run that it retries has yet to say.
func named(ctx context.Context, reader client.Reader, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	if run.Spec.RetryOf != "" && (run.Spec.Revision == "" || run.Spec.Params == nil) {
		return nil, nil
	}
	if run.Spec.Revision != "" {
		return namedRevision(ctx, reader, run)
	}
	var pipeline v1alpha1.Pipeline
	err := reader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Pipeline}, &pipeline)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("get pipeline %s: %w", run.Spec.Pipeline, err)
	}
	return &pipeline.Spec, nil
}

func namedRevision(ctx context.Context, reader client.Reader, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	var rev appsv1.ControllerRevision
	err := reader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &rev)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("get revision %s: %w", run.Spec.Revision, err)
	case rev.Labels[v1alpha1.PipelineLabel] != run.Spec.Pipeline:
		// The Run's status will say that it isn't one of the Pipeline.
		return nil, nil
	}
	spec, err := revision.Spec(&rev)
	if err != nil {
		return nil, nil //nolint:nilerr // the Run's status says so, as of every bad revision
	}
	return &spec, nil
}
