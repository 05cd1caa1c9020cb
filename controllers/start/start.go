// Package start is the one place where Runs are born: every way of starting a
// Pipeline ends here, so that names, owners, labels and the pinned revision
// are the same for all of them.
package start

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/pipeline/revision"
)

// ErrPipelineDeleted says that the Pipeline is being deleted: a Run of it
// would be deleted at once.
var ErrPipelineDeleted = fault.New("", "the Pipeline is being deleted")

// ErrNameTaken says that a Run of that name exists which this delivery did not
// start. The names are hashes, so it was made by hand or another tool.
var ErrNameTaken = fault.New("", "another Run has this name already")

// ErrOtherBody says that the Run exists which this delivery would start, but was
// started by a request of the same name with another body.
var ErrOtherBody = fault.New("", "the delivery that started this Run had another body")

// Starter creates Runs.
type Starter struct {
	// Client writes, and may read from a cache.
	Client client.Client
	// APIReader reads from the API server: a Run that a cache doesn't show yet may
	// exist.
	APIReader client.Reader
	// Installed are the installation's defaults for jobs. nil: none.
	Installed *revision.Installed
}

// Request is what a Run is started with.
type Request struct {
	// Pipeline to run, as it is now.
	Pipeline *v1alpha1.Pipeline
	// Name of the Run: RunName for a delivery.
	Name string
	// Params given, without the Pipeline's defaults: those come from the revision.
	Params map[string]string
	// Origin is copied to the Run.
	Origin *v1alpha1.Origin
	// TriggerName is the Trigger that asks; empty for other callers.
	TriggerName string
	// Reason why the Trigger has taken the event, for people; empty for other callers.
	Reason string
	// RetryOf is the Run that the new one retries: its revision, parameters, origin
	// and trigger are taken where the request gives none. nil: no retry.
	RetryOf *v1alpha1.Run
}

// Start creates the Run and returns it with true. If the same trigger and
// delivery made it before, it returns that Run with false: a repeated delivery
// is one Run. When Start returns without error the API server has stored the
// Run. One that can't be pinned for the defaults of jobs is pinned when it can.
func (s *Starter) Start(ctx context.Context, req Request) (*v1alpha1.Run, bool, error) {
	if req.Pipeline.DeletionTimestamp != nil {
		return nil, false, fmt.Errorf("start a Run of Pipeline %s: %w", req.Pipeline.Name, ErrPipelineDeleted)
	}
	run := newRun(req)
	if run.Spec.Revision == "" {
		pinned, err := revision.Ensure(ctx, s.Client, s.Installed, req.Pipeline)
		if err != nil && !fault.Is(err) {
			return nil, false, fmt.Errorf("copy Pipeline %s for a Run: %w", req.Pipeline.Name, err)
		}
		run.Spec.Revision = pinned
	}
	err := s.Client.Create(ctx, run, client.FieldOwner(v1alpha1.FieldManager))
	switch {
	case apierrors.IsAlreadyExists(err):
		existing, err := s.existing(ctx, run)
		return existing, false, err
	case err != nil:
		return nil, false, fmt.Errorf("create Run %s: %w", run.Name, err)
	}
	return run, true, nil
}

func (s *Starter) existing(ctx context.Context, wanted *v1alpha1.Run) (*v1alpha1.Run, error) {
	found := &v1alpha1.Run{}
	if err := s.APIReader.Get(ctx, client.ObjectKeyFromObject(wanted), found); err != nil {
		return nil, fmt.Errorf("read Run %s: %w", wanted.Name, err)
	}
	if !sameReason(&found.Spec, &wanted.Spec) {
		return nil, fmt.Errorf("create Run %s: %w", wanted.Name, ErrNameTaken)
	}
	if !sameBody(&found.Spec, &wanted.Spec) {
		return nil, fmt.Errorf("create Run %s: %w", wanted.Name, ErrOtherBody)
	}
	return found, nil
}

// sameBody takes Runs for the same that don't say what they were started by: they
// are of an older version, or no delivery's.
func sameBody(found, wanted *v1alpha1.RunSpec) bool {
	a, b := found.Origin, wanted.Origin
	return a == nil || b == nil || a.Digest == "" || b.Digest == "" || a.Digest == b.Digest
}

// sameReason compares what a name is derived from. Two Runs that neither retry
// another nor have an origin can't be told to be one.
func sameReason(found, wanted *v1alpha1.RunSpec) bool {
	if found.RetryOf != "" || wanted.RetryOf != "" {
		return found.RetryOf == wanted.RetryOf && found.Pipeline == wanted.Pipeline
	}
	a, b := found.Origin, wanted.Origin
	return a != nil && b != nil && a.Trigger == b.Trigger && a.Delivery == b.Delivery
}

func newRun(req Request) *v1alpha1.Run {
	labels := map[string]string{v1alpha1.PipelineLabel: req.Pipeline.Name}
	if req.TriggerName != "" {
		labels[v1alpha1.TriggerLabel] = req.TriggerName
	}
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: req.Pipeline.Namespace,
			Name:      req.Name,
			Labels:    labels,
			OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(req.Pipeline, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind)),
			},
		},
		Spec: v1alpha1.RunSpec{
			Pipeline: req.Pipeline.Name,
			Params:   req.Params,
			Origin:   req.Origin,
		},
	}
	if req.Reason != "" {
		run.Annotations = map[string]string{v1alpha1.ReasonAnnotation: req.Reason}
	}
	if req.RetryOf != nil {
		run.Spec.RetryOf = req.RetryOf.Name
		Inherit(run, req.RetryOf)
	}
	return run
}

// RunName derives the name of the Run that a delivery starts, so that the API
// server refuses the same delivery's second Run. A trigger's name has 52
// characters at most, so it is whole in the Run's, of 63. Start tells even two
// deliveries apart whose names are the same by chance.
func RunName(trigger, delivery string) string {
	return names.Hashed(trigger, names.MaxLabel, delivery)
}
