package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/run/settled"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

const (
	// quiet is how long a Run has to have ended until its record is stored: what the
	// caches show may be that old.
	quiet = 2 * time.Second
	// patience is how long after a Run's end its logs and notifiers are waited for.
	patience = 8 * time.Minute
	// look is how often they are looked at.
	look = 10 * time.Second
)

// Runs stores a record of each Run that has ended. Set every exported field.
type Runs struct {
	// Client reads from the cache, and APIReader asks the API server.
	Client, APIReader client.Reader
	// Status writes the condition.
	Status client.StatusClient
	Bucket bucket.Bucket
	Logs   *Logs
	Clock  clock.PassiveClock
	// Metrics count.
	Metrics *Metrics
}

// Reconcile stores the record of a Run whose logs have ended.
func (r *Runs) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var run v1alpha1.Run
	if err := r.Client.Get(ctx, req.NamespacedName, &run); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !run.Status.Phase.Finished() || run.Status.CompletionTime == nil {
		return ctrl.Result{}, nil
	}
	if meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition) {
		r.Logs.Forget(run.UID)
		return ctrl.Result{}, nil
	}
	ago := r.Clock.Since(run.Status.CompletionTime.Time)
	if ago < quiet {
		return ctrl.Result{RequeueAfter: quiet - ago}, nil
	}
	pods, jobs, err := r.parts(ctx, &run)
	if err != nil {
		return ctrl.Result{}, err
	}
	missing := r.missing(&run, pods)
	if ago < patience && (len(missing.awaited) > 0 || !settled.ByRun(jobs).Settled(&run, r.Clock.Now())) {
		return ctrl.Result{RequeueAfter: look}, nil
	}
	return ctrl.Result{}, r.store(ctx, &run, pods, &missing)
}

// parts returns the pods and Jobs of the Run, and those of Runs whose jobs it has taken.
func (r *Runs) parts(ctx context.Context, run *v1alpha1.Run) ([]corev1.Pod, []batchv1.Job, error) {
	names := []string{run.Name}
	for i := range run.Status.Jobs {
		if from := run.Status.Jobs[i].ReusedFrom; from != "" && !slices.Contains(names, from) {
			names = append(names, from)
		}
	}
	var pods []corev1.Pod
	var jobs []batchv1.Job
	for _, name := range names {
		var somePods corev1.PodList
		var someJobs batchv1.JobList
		of := []client.ListOption{client.InNamespace(run.Namespace), client.MatchingFields{byRun: name}}
		if err := errors.Join(r.Client.List(ctx, &somePods, of...), r.Client.List(ctx, &someJobs, of...)); err != nil {
			return nil, nil, fmt.Errorf("list the pods of run %s: %w", name, err)
		}
		pods, jobs = append(pods, somePods.Items...), append(jobs, someJobs.Items...)
	}
	return pods, jobs, nil
}

// missing is what is missing of the logs of a Run.
type missing struct {
	// awaited have not ended.
	awaited []string
	// parts are sentences, and kept is how many logs are.
	parts []string
	kept  int
}

// missing looks at the logs of the Run's own pods.
func (r *Runs) missing(run *v1alpha1.Run, pods []corev1.Pod) missing {
	var m missing
	ends := r.Logs.Ends(run.UID)
	for i := range pods {
		pod := &pods[i]
		job := jobOf(pod)
		if job == "" || pod.Labels[v1alpha1.RunLabel] != run.Name {
			continue
		}
		for _, c := range runlogs.Containers(pod) {
			end := ends[place.Log{Run: placeOf(run), Job: job, Pod: pod.UID, Container: c.Name}]
			switch {
			case c.State.Started.IsZero():
			case end == nil:
				m.awaited = append(m.awaited, fmt.Sprintf("%s: the log of container %s is not kept yet", job, c.Name))
			default:
				m.add(job, c.Name, end)
			}
		}
	}
	return m
}

func (m *missing) add(job, container string, end *logs.End) {
	m.kept++
	for _, what := range end.Missing {
		m.parts = append(m.parts, fmt.Sprintf("%s, container %s: %s", job, container, what))
	}
}

// store stores the record, and says so on the Run.
func (r *Runs) store(ctx context.Context, run *v1alpha1.Run, pods []corev1.Pod, m *missing) error {
	record := &records.Record{Run: run.DeepCopy(), Stored: metav1.NewTime(r.Clock.Now())}
	record.Run.ManagedFields = nil
	for i := range pods {
		record.Pods = append(record.Pods, records.Lean(&pods[i]))
	}
	var err error
	if record.Spec, err = r.spec(ctx, run); err != nil {
		return err
	}
	if record.Events, err = r.events(ctx, run); err != nil {
		return err
	}
	if err := records.Put(ctx, r.Bucket, record); err != nil {
		r.Metrics.records.WithLabelValues("error").Inc()
		return errors.Join(err, r.say(ctx, run, metav1.Condition{
			Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonStoreUnavailable,
			Message: "The store's bucket doesn't take the record, which is tried again: its process says why in its log",
		}))
	}
	r.Metrics.records.WithLabelValues("stored").Inc()
	return r.say(ctx, run, m.condition())
}

// told is how many things that are missing a condition names.
const told = 3

func (m *missing) condition() metav1.Condition {
	all := slices.Concat(m.awaited, m.parts)
	c := metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStored}
	c.Message = fmt.Sprintf("The record and %s are kept", logsText(m.kept))
	if len(all) == 0 {
		return c
	}
	c.Reason = v1alpha1.ReasonStoredInPart
	for _, what := range all[:min(told, len(all))] {
		c.Message += "; " + what
	}
	if more := len(all) - told; more > 0 {
		c.Message += fmt.Sprintf("; and %d more", more)
	}
	return c
}

func logsText(n int) string {
	if n == 1 {
		return "1 log"
	}
	return fmt.Sprintf("%d logs", n)
}

// maxMessage bounds the condition's message, in bytes.
const maxMessage = 1024

// say sets the condition, unless it says the same already.
func (r *Runs) say(ctx context.Context, run *v1alpha1.Run, c metav1.Condition) error {
	c.Type, c.ObservedGeneration = v1alpha1.StoredCondition, run.Generation
	if now := meta.FindStatusCondition(run.Status.Conditions, c.Type); now != nil && now.Status == c.Status && now.Reason == c.Reason {
		return nil
	}
	c.Message = printable.CutBytes(c.Message, maxMessage)
	c.LastTransitionTime = metav1.NewTime(r.Clock.Now().Truncate(time.Second))
	changed := run.DeepCopy()
	meta.SetStatusCondition(&changed.Status.Conditions, c)
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := r.Status.Status().Patch(ctx, changed, patch, client.FieldOwner(fieldManager)); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("record that run %s is stored: %w", run.Name, err))
	}
	return nil
}

// fieldManager is who writes the condition.
const fieldManager = "kayci-store"

// spec of the revision that the Run has executed.
func (r *Runs) spec(ctx context.Context, run *v1alpha1.Run) (*v1alpha1.PipelineSpec, error) {
	if run.Spec.Revision == "" {
		return nil, nil //nolint:nilnil // A Run that never began has none.
	}
	var copied appsv1.ControllerRevision
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Spec.Revision}, &copied)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // Somebody has deleted it.
	}
	if err != nil {
		return nil, fmt.Errorf("get revision %s: %w", run.Spec.Revision, err)
	}
	spec, err := revision.Spec(&copied)
	if err != nil {
		return nil, fmt.Errorf("read revision %s: %w", run.Spec.Revision, err)
	}
	return &spec, nil
}

// maxEvents is how many events of a Run are kept: the newest.
const maxEvents = 200

// events about the Run, oldest first.
func (r *Runs) events(ctx context.Context, run *v1alpha1.Run) ([]corev1.Event, error) {
	var list corev1.EventList
	about := client.MatchingFields{"involvedObject.uid": string(run.UID)}
	if err := r.APIReader.List(ctx, &list, client.InNamespace(run.Namespace), about); err != nil {
		return nil, fmt.Errorf("list the events of run %s: %w", run.Name, err)
	}
	events := list.Items
	for i := range events {
		events[i].ManagedFields = nil
	}
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return when(&a).Compare(when(&b)) })
	return events[max(0, len(events)-maxEvents):], nil
}

func when(event *corev1.Event) time.Time {
	if !event.EventTime.IsZero() {
		return event.EventTime.Time
	}
	return event.LastTimestamp.Time
}
