package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/controllers/fault"
	"github.com/kayci/kayci/controllers/recent"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/controllers/run/plan"
	"github.com/kayci/kayci/controllers/run/queue"
)

// podsByRun is the cache's index of pods by the Run that they belong to.
const podsByRun = "metadata.labels." + v1alpha1.RunLabel

// observe gathers what is known about the Run, and writes nothing. The observation
// is never nil.
func (r *Reconciler) observe(ctx context.Context, run *v1alpha1.Run) (*observation, error) {
	o := &observation{Facts: plan.Facts{
		Run:     run,
		Jobs:    map[string]*batchv1.Job{},
		Pods:    map[string][]corev1.Pod{},
		Missing: map[string]bool{},

		Undisturbed: map[string]bool{},

		Refused:      map[string]plan.Refusal{},
		Deferred:     map[string]plan.Refusal{},
		ServicesGone: map[string]bool{},
		Notices:      map[plan.Notice]plan.NoticeOutcome{},

		Explained: map[string]evidence.Why{},
		Vouched:   r.Vouched,
		Now:       r.Clock.Now(),
	}}
	return o, o.note(r.look(ctx, o))
}

func (r *Reconciler) look(ctx context.Context, o *observation) error {
	if err := r.graph(ctx, o); err != nil || o.Unpinned {
		return err
	}
	for _, observe := range []func(context.Context, *observation) error{r.observeJobs, r.observeNotices, r.observePods} {
		if err := observe(ctx, o); err != nil {
			return err
		}
	}
	r.observeEvents(ctx, o)
	r.observeWitnesses(ctx, o)
	r.observeWorkspace(ctx, o)
	o.Number = number(o)
	if err := r.observeInputs(o); err != nil {
		return err
	}
	return r.observePlace(ctx, o)
}

// graph finds what the Run executes. One that has finished needs no more than
// the names, and may outlive its revision.
func (r *Reconciler) graph(ctx context.Context, o *observation) (err error) {
	if o.Run.Status.Phase.Finished() {
		for i := range o.Run.Status.Jobs {
			o.Spec.Jobs = append(o.Spec.Jobs, v1alpha1.Job{Name: o.Run.Status.Jobs[i].Name})
		}
		for i := range o.Run.Status.Services {
			o.Spec.Services = append(o.Spec.Services, v1alpha1.Service{Name: o.Run.Status.Services[i].Name})
		}
		return nil
	}
	source, invalid := r.source(ctx, o.Run)
	if invalid != nil && !fault.Is(invalid) {
		return invalid
	}
	if o.Unpinned = !isPinned(o.Run, source, invalid == nil); o.Unpinned {
		return nil
	}
	if invalid != nil {
		return invalid
	}
	o.Source = source
	o.Spec, err = r.spec(ctx, o.Run)
	return err
}

// observeJobs looks for the Job of each job and service.
func (r *Reconciler) observeJobs(ctx context.Context, o *observation) error {
	for i := range o.Spec.Jobs {
		if err := r.observeJob(ctx, o, o.Spec.Jobs[i].Name); err != nil {
			return err
		}
	}
	for i := range o.Spec.Services {
		if err := r.observeJob(ctx, o, o.Spec.Services[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// observeJob looks for a Job. One whose name is recorded is known to have been
// created; when its end is recorded, too, it may be gone.
func (r *Reconciler) observeJob(ctx context.Context, o *observation, name string) error {
	made, ended := o.recordedJob(name)
	recorded := made != "" && !ended
	found, err := r.job(ctx, o, name, recorded)
	switch {
	case err != nil:
		return err
	case found == nil:
		o.Missing[name] = recorded
	case metav1.IsControlledBy(found, o.Run):
		o.Jobs[name] = recent.Newer(&r.recent, o.Now, found)
	default:
		// One that was recorded is gone, as if nothing had its name now.
		o.Missing[name] = recorded
		o.conflict(name, found)
	}
	return nil
}

// job returns the job's Job, or what is in the way of any, or nil. That a Job
// which was recorded is gone, only the API server can say: the cache may not show
// it yet, or still show an earlier one.
func (r *Reconciler) job(ctx context.Context, o *observation, name string, recorded bool) (*batchv1.Job, error) {
	key := client.ObjectKey{Namespace: o.Run.Namespace, Name: o.jobName(name)}
	cached, err := getJob(ctx, r.Client, key)
	if err != nil || (cached != nil && metav1.IsControlledBy(cached, o.Run)) {
		return cached, err
	}
	named := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if own, ok := recent.Find(&r.recent, o.Now, named); ok && metav1.IsControlledBy(own, o.Run) {
		o.unseen = true
		return own, nil
	}
	switch {
	case recorded:
		return getJob(ctx, r.APIReader, key)
	case cached != nil && !o.predecessors(cached) && !o.renamed(job.JobPart(name)):
		return nil, nil //nolint:nilnil // Whether it is still in the way shows when the Job is created.
	}
	return cached, nil
}

// getJob returns the Job of that name, or nil if there is none.
func getJob(ctx context.Context, in client.Reader, key client.ObjectKey) (*batchv1.Job, error) {
	var job batchv1.Job
	switch err := in.Get(ctx, key, &job); {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // No Job is a usual answer and no error.
	case err != nil:
		return nil, fmt.Errorf("get Job %s: %w", key.Name, err)
	}
	return &job, nil
}

func (r *Reconciler) observePods(ctx context.Context, o *observation) error {
	_, bound := queue.LockOf(o.Run)
	outlived := bound && o.Run.Status.Phase.Finished() // By pods whose Jobs may be gone.
	if !o.started() && len(o.Notices) == 0 && !outlived {
		return nil
	}
	err := r.listPods(ctx, o, r.Client, client.MatchingFields{podsByRun: o.Run.Name})
	if err == nil && o.Unproven() {
		err = r.listPods(ctx, o, r.APIReader, client.MatchingLabels{v1alpha1.RunLabel: o.Run.Name})
	}
	return err
}

func (r *Reconciler) listPods(ctx context.Context, o *observation, in client.Reader, ofRun client.ListOption) error {
	var pods corev1.PodList
	if err := in.List(ctx, &pods, client.InNamespace(o.Run.Namespace), ofRun); err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	clear(o.Pods)
	// The cache has no order. The same pods have to give the same status.
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for i := range pods.Items {
		name := plan.PartOf(&pods.Items[i])
		o.Pods[name] = append(o.Pods[name], *recent.Newer(&r.recent, o.Now, &pods.Items[i]))
	}
	return nil
}

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
		if fault.Is(err) {
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
