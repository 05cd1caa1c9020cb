package upstream

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/trigger/source"
)

const (
	// most is how many Runs are seen to before that is recorded.
	most = 50
	// patience is how long after a Run's end its Trigger's Pipeline is waited for.
	patience = time.Hour
	// retry is how soon to look again for a Pipeline.
	retry = time.Minute
)

// Reconciler starts Runs by the ends of others. Set every exported field.
type Reconciler struct {
	// Client reads Triggers and Runs from the cache and writes the Triggers' status.
	Client client.Client
	// Launcher starts Runs.
	Launcher *source.Launcher
	// Recorder tells of Runs that aren't started.
	Recorder events.EventRecorder
	// Clock tells what has ended long ago.
	Clock clock.PassiveClock

	// written are the Triggers as they were recorded last.
	written recent.Writes
}

// Reconcile starts a Run for each that has ended, and then records that: should it
// crash between, the Run is there already when it is started again.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cached := &v1alpha1.Trigger{}
	if err := r.Client.Get(ctx, req.NamespacedName, cached); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("get trigger: %w", err))
	}
	trigger := recent.Newer(&r.written, r.Clock.Now(), cached)
	if !trigger.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	return requeue.Of(r.look(ctx, trigger))
}

func (r *Reconciler) look(ctx context.Context, trigger *v1alpha1.Trigger) (ctrl.Result, error) {
	if trigger.Spec.Run == nil {
		return ctrl.Result{}, r.record(ctx, trigger, nil)
	}
	var all v1alpha1.TriggerList
	if err := r.Client.List(ctx, &all, client.InNamespace(trigger.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return ctrl.Result{}, fmt.Errorf("list triggers: %w", err)
	}
	now := r.Clock.Now()
	begun := begin(trigger, Loop(trigger, all.Items) != nil, now)
	if begun.Suspended {
		return ctrl.Result{}, r.record(ctx, trigger, &begun)
	}
	runs, err := r.ended(ctx, trigger.Namespace, &begun, now)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("list runs: %w", err)
	}
	seen, failed := r.followAll(ctx, trigger, pending(&begun, runs), now)
	settle(&begun, seen.done, seen.left, now)
	if err := r.record(ctx, trigger, &begun); err != nil {
		return ctrl.Result{}, err
	}
	for _, told := range seen.refused {
		r.tell(trigger, told)
	}
	return ctrl.Result{RequeueAfter: seen.next}, failed
}

// looked is what has become of the Runs that were to be seen to.
type looked struct {
	// done were, left are to be once more.
	done, left []*v1alpha1.Run
	// refused are those of them that were to start a Run and can't.
	refused []refusal
	// next is when to look again. 0: when something happens.
	next time.Duration
}

type refusal struct {
	run *v1alpha1.Run
	why *fault.Error
}

// followAll starts Runs for those that have ended. The error is the world's, at the
// first Run that it kept from being seen to.
func (r *Reconciler) followAll(ctx context.Context, trigger *v1alpha1.Trigger, runs []*v1alpha1.Run, now time.Time) (looked, error) {
	var seen looked
	for i, run := range runs {
		if len(seen.done) == most {
			seen.left, seen.next = append(seen.left, runs[i:]...), time.Millisecond
			return seen, nil
		}
		err := r.follow(ctx, trigger, run)
		why, _ := fault.Of(err)
		switch {
		case err != nil && why == nil:
			seen.left = append(seen.left, runs[i:]...)
			return seen, err
		case why != nil && why.Reason == v1alpha1.ReasonPipelineNotFound && now.Sub(run.Status.CompletionTime.Time) < patience:
			seen.left, seen.next = append(seen.left, run), retry
			continue
		case why != nil:
			seen.refused = append(seen.refused, refusal{run, why})
		}
		seen.done = append(seen.done, run)
	}
	return seen, nil
}

// follow starts the Run that follows another, if one does.
func (r *Reconciler) follow(ctx context.Context, trigger *v1alpha1.Trigger, run *v1alpha1.Run) error {
	env, err := validation.TriggerEnv(&trigger.Spec)
	if err != nil {
		return err
	}
	if yes, err := follows(env, trigger.Spec.Run, run); !yes || err != nil {
		return err
	}
	started, err := r.Launcher.Launch(ctx, source.Request{
		Trigger: trigger,
		Vars:    expr.RunEndVars{Run: expr.NewEndedRun(run), Budget: expr.NewBudget(1)},
		Origin:  origin(run),
		Reason:  reason(run),
	})
	if err == nil {
		ctrl.LoggerFrom(ctx).Info("The end of a Run started another", "ended", run.Name, "run", started.Name)
	}
	return err
}

func (r *Reconciler) record(ctx context.Context, trigger *v1alpha1.Trigger, begun *v1alpha1.RunEndStatus) error {
	before := trigger.ResourceVersion
	err := source.Record(ctx, r.Client, trigger, func(status *v1alpha1.TriggerStatus) { status.Run = begun })
	if err == nil && trigger.ResourceVersion != before {
		r.written.Put(r.Clock.Now(), trigger)
	}
	return err
}

// tell tells of a Run that no other follows though one should, once that is recorded.
func (r *Reconciler) tell(trigger *v1alpha1.Trigger, told refusal) {
	reason := v1alpha1.ReasonCannotStart
	if told.why.Reason == v1alpha1.ReasonTooDeep {
		reason = v1alpha1.ReasonTooDeep
	}
	note := fmt.Sprintf("no Run follows %s: %s", told.run.Name, told.why.Message)
	source.Warn(r.Recorder, trigger, told.run, reason, note)
}
