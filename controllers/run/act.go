package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// act does what was decided and notes the outcome in the observation. One
// failure doesn't keep the rest from being done, but for what rests on it.
func (r *Reconciler) act(ctx context.Context, o *observation, d *plan.Decision) error {
	errs := []error{r.end(ctx, o, d)}
	if d.DeleteWorkspace {
		errs = append(errs, r.deleteWorkspace(ctx, o))
	}
	if d.Vacate {
		errs = append(errs, r.vacate(ctx, o))
	}
	if len(d.Create)+len(d.Serve) > 0 {
		errs = append(errs, r.createAll(ctx, o, d))
	}
	return errors.Join(errs...)
}

func (r *Reconciler) createAll(ctx context.Context, o *observation, d *plan.Decision) error {
	if err := r.confirmNames(ctx, o); err != nil {
		return err
	}
	names := slices.Concat(d.Serve, d.Create)
	if err := r.claimOrDefer(ctx, o, names); err != nil || o.Number == 0 {
		return err
	}
	if room, err := r.workspaceOrDefer(ctx, o, names); err != nil || !room {
		return err
	}
	errs := []error{r.serve(ctx, o, d.Serve)}
	for _, name := range d.Create {
		built := job.Build(o.Run, o.Number, &o.Spec, o.jobSpec(name))
		earlier := ancestors(o, d, name)
		job.AddOutputs(built, inherited(earlier))
		if len(earlier) > 0 && o.startsAnyway(name, earlier) {
			job.AddPhases(built, earlier, d.Outcome)
		}
		errs = append(errs, r.create(ctx, o, name, built))
	}
	return errors.Join(errs...)
}

// ancestors returns what became of the jobs before this one, as the decision has
// it: some may not have been recorded yet.
func ancestors(o *observation, d *plan.Decision, name string) []v1alpha1.JobStatus {
	names := graph.Ancestors(o.Spec.Jobs, name)
	var earlier []v1alpha1.JobStatus
	for i := range d.Status.Jobs {
		if slices.Contains(names, d.Status.Jobs[i].Name) {
			earlier = append(earlier, d.Status.Jobs[i])
		}
	}
	return earlier
}

// inherited returns the outputs of the jobs before.
func inherited(earlier []v1alpha1.JobStatus) []job.Outputs {
	var outputs []job.Outputs
	for i := range earlier {
		if s := &earlier[i]; len(s.Outputs) > 0 {
			outputs = append(outputs, job.Outputs{Job: s.Name, Values: s.Outputs})
		}
	}
	return outputs
}

// startsAnyway reports whether the job may start though one before it has not
// succeeded. To others it goes without saying that all have.
func (o *observation) startsAnyway(name string, earlier []v1alpha1.JobStatus) bool {
	spec := o.jobSpec(name)
	return spec.If != "" || spec.Finally || slices.ContainsFunc(earlier, func(s v1alpha1.JobStatus) bool {
		return o.jobSpec(s.Name).AllowFailure
	})
}

func (r *Reconciler) create(ctx context.Context, o *observation, name string, built *batchv1.Job) error {
	err := r.createIfRoom(ctx, o, built)
	if apierrors.IsAlreadyExists(err) {
		return r.adopt(ctx, o, name, built)
	}
	refusal, class := classify(err)
	switch class {
	case accepted:
		o.Jobs[name] = built
		r.recent.Put(r.Clock.Now(), built)
		return nil
	case refused:
		o.Refused[name] = refusal
		return nil
	case deferred:
		o.Deferred[name] = refusal
		return nil
	default:
		return fmt.Errorf("create Job %s: %w", built.Name, err)
	}
}

// adopt takes a Job of this name for the Run's only if it belongs to this very
// Run: it was created before the controller was killed, or the cache is behind.
// The Run's number is the one that such a Job carries, whatever was claimed
// since. If it is somebody else's, the Run's Job gets another name.
func (r *Reconciler) adopt(ctx context.Context, o *observation, name string, built *batchv1.Job) error {
	found := &batchv1.Job{}
	if err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(built), found); err != nil {
		return fmt.Errorf("get Job %s: %w", built.Name, err)
	}
	part := job.JobPart(name)
	switch {
	case metav1.IsControlledBy(found, o.Run):
		o.Jobs[name] = found
		o.Number = cmp.Or(numberOf(found), o.Number)
	case !o.renamed(part) && !o.predecessors(found):
		if err := r.rename(ctx, o, part); err != nil {
			return err
		}
		built.Name = job.JobName(o.Run, name)
		return r.create(ctx, o, name, built)
	default:
		o.conflict(name, found)
	}
	return nil
}

func (o *observation) jobSpec(name string) *v1alpha1.Job {
	for i := range o.Spec.Jobs {
		if o.Spec.Jobs[i].Name == name {
			return &o.Spec.Jobs[i]
		}
	}
	return nil
}

// patch changes fields of an object's metadata and spec, unless it is gone. The
// UID makes sure that it is that very object.
func (r *Reconciler) patch(ctx context.Context, obj client.Object, doing string, metadata, spec map[string]any) error {
	fields := map[string]any{"uid": obj.GetUID()}
	maps.Copy(fields, metadata)
	data, err := json.Marshal(map[string]any{"metadata": fields, "spec": spec})
	if err != nil {
		return fmt.Errorf("%s %s: %w", doing, obj.GetName(), err)
	}
	err = r.Client.Patch(ctx, obj, client.RawPatch(types.MergePatchType, data), client.FieldOwner(v1alpha1.FieldManager))
	if err != nil {
		return client.IgnoreNotFound(fmt.Errorf("%s %s: %w", doing, obj.GetName(), err))
	}
	r.recent.Put(r.Clock.Now(), obj)
	return nil
}

// class says what an answer of the API server means for a creation.
type class int

const (
	// accepted: created.
	accepted class = iota
	// refused: it never will be.
	refused
	// deferred: later, perhaps.
	deferred
	// unclear: no answer at all, or one that is out of date at once; try again.
	unclear
)

// exceededQuota stands in the API server's answer.
const exceededQuota = "exceeded quota"

// classify sorts the API server's answer to a creation.
func classify(err error) (plan.Refusal, class) {
	full, isFull := errors.AsType[*noRoomError](err)
	switch {
	case err == nil:
		return plan.Refusal{}, accepted
	case isFull:
		return full.refusal, deferred
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return plan.Refusal{Reason: string(corev1.NamespaceTerminatingCause), Message: "the namespace is being deleted"}, deferred
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), exceededQuota):
		// The answer has no more than its text to tell a full quota from a policy.
		return plan.Refusal{Reason: v1alpha1.ReasonQuotaExceeded, Message: err.Error()}, deferred
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return plan.Refusal{Reason: v1alpha1.ReasonRejected, Message: err.Error()}, refused
	case answered(err):
		return plan.Refusal{Reason: v1alpha1.ReasonCreateError, Message: err.Error()}, deferred
	default:
		return plan.Refusal{}, unclear
	}
}

// answered reports whether the error is the API server's own, and lasts. That a
// quota was changed by another creation at the same moment doesn't.
func answered(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return false
	}
	details := answer.Status().Details
	return !apierrors.IsConflict(err) || details == nil || details.Kind != "resourcequotas"
}
