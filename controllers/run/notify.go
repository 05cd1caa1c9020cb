package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

// observeNotices looks for the Jobs that notifiers have made. A Run that has
// finished is read its notifiers again only if one of them has yet to tell so.
func (r *Reconciler) observeNotices(ctx context.Context, o *observation) error {
	for i := range o.Run.Status.Notifiers {
		s := &o.Run.Status.Notifiers[i]
		if s.Job == "" || s.Reason != "" {
			continue
		}
		found, err := getJob(ctx, r.Client, client.ObjectKey{Namespace: o.Run.Namespace, Name: s.Job})
		if err != nil {
			return err
		}
		if found != nil && metav1.IsControlledBy(found, o.Run) {
			o.Notices[plan.Notice{Notifier: s.Name, Phase: s.Phase}] = plan.NoticeOutcome{Job: recent.Newer(&r.recent, o.Now, found)}
		}
	}
	if !o.Run.Status.Phase.Finished() || !o.AwaitsNotice() {
		return nil
	}
	spec, err := r.spec(ctx, o.Run)
	if err != nil {
		if isFault(err) {
			return nil // Nothing says any more what the notifiers are.
		}
		return err
	}
	o.Spec.Notifiers = spec.Notifiers
	if params, errs := validation.Params(spec.Params, o.Run.Spec.Params); len(errs) == 0 {
		o.Params = params
	}
	return nil
}

// notify makes the Jobs of the notifiers that the decision names, and notes what
// came of it. Of a Run that goes on it is done before the status that they tell of
// is recorded, which saves a write: a controller that is killed in between finds
// them there.
func (r *Reconciler) notify(ctx context.Context, o *observation, d *plan.Decision) error {
	if err := r.confirmNames(ctx, o); err != nil {
		return err
	}
	var errs []error
	for _, notice := range d.Notify {
		outcome, err := r.tell(ctx, o, &d.Status, notice)
		if err != nil && ctx.Err() != nil {
			errs = append(errs, err)
			continue
		}
		if err != nil {
			// Whatever is in the way here must not be in the way of the Run.
			outcome.Refusal = plan.Refusal{Reason: v1alpha1.ReasonCreateError, Message: err.Error()}
		}
		o.Notices[notice] = outcome
	}
	return errors.Join(errs...)
}

func (r *Reconciler) tell(ctx context.Context, o *observation, s *v1alpha1.RunStatus, notice plan.Notice) (plan.NoticeOutcome, error) {
	if o.Number == 0 {
		// A Run that has started nothing has no number and no ConfigMap yet.
		if outcome, err := notMade(r.claim(ctx, o)); err != nil || outcome.Refusal.Reason != "" {
			return outcome, err
		}
	}
	built := job.BuildNotifier(o.Run, o.Number, o.notifier(notice.Notifier), s)
	outcome, err := r.createNotice(ctx, o, notice, built)
	part := job.NotifierPart(o.notifier(notice.Notifier).JobName(notice.Phase))
	if err != nil || outcome.Refusal.Reason != v1alpha1.ReasonNameConflict || o.renamed(part) {
		return outcome, err
	}
	if err := r.rename(ctx, o, part); err != nil {
		return plan.NoticeOutcome{}, err
	}
	built.Name = job.OtherName(o.Run, built.Name)
	return r.createNotice(ctx, o, notice, built)
}

func (r *Reconciler) createNotice(ctx context.Context, o *observation, notice plan.Notice, built *batchv1.Job) (plan.NoticeOutcome, error) {
	err := r.createIfRoom(ctx, o, built)
	if apierrors.IsAlreadyExists(err) {
		return r.adoptNotice(ctx, o, notice, client.ObjectKeyFromObject(built))
	}
	if err == nil {
		r.recent.Put(o.Now, built)
		return plan.NoticeOutcome{Job: built}, nil
	}
	outcome, err := notMade(err)
	if err != nil {
		err = fmt.Errorf("create Job %s: %w", built.Name, err)
	}
	return outcome, err
}

// notMade sorts the error of a creation: one that says what is wrong is an
// outcome.
func notMade(err error) (plan.NoticeOutcome, error) {
	if fault, ok := errors.AsType[*fault](err); ok {
		return plan.NoticeOutcome{Refusal: plan.Refusal{Reason: fault.reason, Message: fault.message}}, nil
	}
	refusal, class := classify(err)
	if class == unclear {
		return plan.NoticeOutcome{}, err
	}
	return plan.NoticeOutcome{Refusal: refusal}, nil
}

// adoptNotice takes a Job of this name for the notifier's only if it was made
// for it, by this very Run.
func (r *Reconciler) adoptNotice(ctx context.Context, o *observation, notice plan.Notice, key client.ObjectKey) (plan.NoticeOutcome, error) {
	found, err := getJob(ctx, r.APIReader, key)
	switch {
	case err != nil:
		return plan.NoticeOutcome{}, err
	case found != nil && metav1.IsControlledBy(found, o.Run) && found.Labels[v1alpha1.NotifierLabel] == notice.Notifier:
		// Unless it is recorded, the Run's number is the Job's, whatever was claimed
		// since.
		o.Number = cmp.Or(o.Run.Status.Number, numberOf(found), o.Number)
		return plan.NoticeOutcome{Job: found}, nil
	case found == nil || o.predecessors(found):
		return plan.NoticeOutcome{}, fmt.Errorf("an earlier Run of this name is still being deleted, and its Job %s with it", key.Name)
	}
	return plan.NoticeOutcome{Refusal: plan.Refusal{
		Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("a Job named %s exists and isn't this notifier's", key.Name),
	}}, nil
}

func (o *observation) notifier(name string) *v1alpha1.Notifier {
	for i := range o.Spec.Notifiers {
		if o.Spec.Notifiers[i].Name == name {
			return &o.Spec.Notifiers[i]
		}
	}
	return nil
}

// announceNotifiers tells which notifiers are known to have failed now and were
// not before.
func (r *Reconciler) announceNotifiers(run *v1alpha1.Run, before []v1alpha1.NotifierStatus) {
	known := map[plan.Notice]string{}
	for i := range before {
		known[plan.Notice{Notifier: before[i].Name, Phase: before[i].Phase}] = before[i].Reason
	}
	for i := range run.Status.Notifiers {
		s := &run.Status.Notifiers[i]
		if s.Reason == "" || s.Reason == known[plan.Notice{Notifier: s.Name, Phase: s.Phase}] {
			continue
		}
		note := fmt.Sprintf("notifier %s of the phase %s: %s: %s", s.Name, s.Phase, s.Reason, s.Message)
		r.Recorder.Eventf(run, nil, corev1.EventTypeWarning, v1alpha1.ReasonNotifierFailed, "Notify", "%s", bounded(note))
	}
}
