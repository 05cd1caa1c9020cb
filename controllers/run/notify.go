package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
)

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
		outcome, told, err := r.tell(ctx, o, &d.Status, notice)
		if err != nil && ctx.Err() != nil {
			errs = append(errs, err)
			continue
		}
		if !told {
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

// tell makes the Job of a notice. Told is false if it is to be made again, under a
// name that isn't recorded yet.
func (r *Reconciler) tell(ctx context.Context, o *observation, s *v1alpha1.RunStatus, notice plan.Notice) (outcome plan.NoticeOutcome, told bool, err error) {
	if o.Number == 0 {
		// A Run that has started nothing has no number and no ConfigMap yet.
		if outcome, err := notMade(r.claim(ctx, o)); err != nil || outcome.Refusal.Reason != "" {
			return outcome, true, err
		}
	}
	notifier := o.notifier(notice.Notifier)
	outcome, err = r.createNotice(ctx, o, notice, job.BuildNotifier(o.Run, o.Number, notifier, s))
	part := job.NotifierPart(notifier.JobName(notice.Phase))
	if err == nil && outcome.Refusal.Reason == v1alpha1.ReasonNameConflict && !o.renamed(part) {
		r.rename(o, part)
		return plan.NoticeOutcome{}, false, nil
	}
	return outcome, true, err
}

func (r *Reconciler) createNotice(ctx context.Context, o *observation, notice plan.Notice, built *batchv1.Job) (plan.NoticeOutcome, error) {
	err := r.createIfRoom(ctx, o, built)
	if apierrors.IsAlreadyExists(err) {
		return r.adoptNotice(ctx, o, notice, client.ObjectKeyFromObject(built))
	}
	if err == nil {
		r.recent.Put(r.Clock.Now(), built)
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
		o.adopted = true
		o.Number = cmp.Or(o.Run.Status.Number, numberOf(found), o.Number)
		return plan.NoticeOutcome{Job: found}, nil
	case found == nil || o.predecessors(found):
		return plan.NoticeOutcome{}, fmt.Errorf("an earlier Run of this name is still being deleted, and its Job %s with it", key.Name)
	}
	return plan.NoticeOutcome{Refusal: plan.Refusal{
		Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("a Job named %s exists and isn't this notifier's", key.Name),
	}}, nil
}
