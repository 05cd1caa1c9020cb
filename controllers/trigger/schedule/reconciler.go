package schedule

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/requeue"
	"github.com/kayci/kayci/controllers/trigger/source"
)

const (
	// recheck bounds a wait: the clock may be set, and doesn't go on for timers while
	// a machine sleeps.
	recheck = 10 * time.Minute
	// retry is how soon a Run that couldn't be started for a fault is tried again.
	retry = time.Minute
)

// Reconciler starts Runs by the schedules of Triggers. Set every exported field.
type Reconciler struct {
	// Client reads Triggers from the cache and writes their status.
	Client client.Client
	// Launcher starts Runs.
	Launcher *source.Launcher
	// Recorder tells of Runs that couldn't be started.
	Recorder events.EventRecorder
	// Clock is what schedules go by.
	Clock clock.PassiveClock
}

// Reconcile starts the Run that is due, and then records it: should it crash between,
// the Run is there already when it is started again.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var trigger v1alpha1.Trigger
	if err := r.Client.Get(ctx, req.NamespacedName, &trigger); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(fmt.Errorf("get trigger: %w", err))
	}
	if !trigger.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	return requeue.Of(r.look(ctx, &trigger))
}

func (r *Reconciler) look(ctx context.Context, trigger *v1alpha1.Trigger) (ctrl.Result, error) {
	if trigger.Spec.Schedule == nil {
		return ctrl.Result{}, source.Record(ctx, r.Client, trigger, forget)
	}
	schedule, err := newTimes(trigger)
	if err != nil {
		// The condition Ready says what is wrong.
		return ctrl.Result{}, source.Record(ctx, r.Client, trigger, forget)
	}
	now := r.Clock.Now()
	begun := begin(trigger, now)
	var found turn
	if !trigger.Spec.Suspend {
		found = schedule.at(after(&begun, trigger.Status.LastScheduleTime), now)
	}
	failed := r.start(ctx, trigger, found.due, now.Sub(found.due)-schedule.delay)
	if failed != nil && !fault.Is(failed) {
		return ctrl.Result{}, failed
	}
	if !found.missed.IsZero() {
		begun.Since = stored(found.missed)
	}
	if err := source.Record(ctx, r.Client, trigger, func(status *v1alpha1.TriggerStatus) {
		status.Schedule, status.NextScheduleTime = &begun, stored(found.next)
		if !found.due.IsZero() && failed == nil {
			status.LastScheduleTime = stored(found.due)
		}
	}); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(trigger, schedule, found, failed)
	return ctrl.Result{RequeueAfter: wait(found.next.Sub(now), found, failed)}, nil
}

// forget clears what was known of a schedule that is gone.
func forget(status *v1alpha1.TriggerStatus) {
	status.Schedule, status.LastScheduleTime, status.NextScheduleTime = nil, nil, nil
}

// wait is how soon to look again. Whatever changes before that wakes the controller.
func wait(left time.Duration, found turn, failed error) time.Duration {
	switch {
	case found.next.IsZero():
		return 0
	case failed != nil:
		return min(left, retry)
	}
	return min(max(left, time.Millisecond), recheck)
}

// start starts the Run of a time, if there is one.
func (r *Reconciler) start(ctx context.Context, trigger *v1alpha1.Trigger, due time.Time, late time.Duration) error {
	if due.IsZero() {
		return nil
	}
	reason := "the schedule's time has come: " + at(trigger, due)
	if late >= time.Minute {
		reason += fmt.Sprintf(", %s ago", printable.Duration(late.Truncate(time.Minute)))
	}
	run, err := r.Launcher.Launch(ctx, source.Request{
		Trigger: trigger,
		Vars:    expr.ScheduleVars{Time: due, Budget: expr.NewBudget(1)},
		Origin:  v1alpha1.Origin{Delivery: due.UTC().Format(time.RFC3339)},
		Reason:  reason,
	})
	if err == nil {
		ctrl.LoggerFrom(ctx).Info("Schedule started a Run", "run", run.Name, "time", due)
	}
	return err
}

// tell tells of what became of a time without a Run, once that is recorded.
func (r *Reconciler) tell(trigger *v1alpha1.Trigger, schedule times, found turn, failed error) {
	switch why, _ := fault.Of(failed); {
	case why != nil:
		r.warn(trigger, v1alpha1.ReasonCannotStart, fmt.Sprintf("no Run for %s, which is tried again until the next time or the starting deadline: %s", at(trigger, found.due), why.Message))
	case !found.missed.IsZero():
		r.warn(trigger, v1alpha1.ReasonMissed, fmt.Sprintf("no Run for %s: it is more than the starting deadline of %s ago", at(trigger, found.missed), printable.Duration(schedule.deadline)))
	}
}

func (r *Reconciler) warn(trigger *v1alpha1.Trigger, reason, note string) {
	source.Warn(r.Recorder, trigger, nil, reason, note)
}

// at writes a time as the schedule's people read it.
func at(trigger *v1alpha1.Trigger, t time.Time) string {
	if zone, err := time.LoadLocation(trigger.Spec.Schedule.TimeZone); err == nil {
		t = t.In(zone)
	}
	return t.Format(time.RFC3339)
}

// SetupWithManager starts the Reconciler with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	scheduled := func(t *v1alpha1.TriggerSpec) bool { return t.Schedule != nil }
	return ctrl.NewControllerManagedBy(mgr).
		Named("schedule").
		WithOptions(opts).
		For(&v1alpha1.Trigger{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Pipeline{}, handler.EnqueueRequestsFromMapFunc(source.OfPipeline(r.Client, scheduled)), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Complete(r)
}
