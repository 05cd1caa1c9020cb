package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// together is how many Pipelines are asked for at a time: a request's URL names each.
const together = 100

// asked are Pipelines of a namespace, and how to list what is theirs.
type asked struct {
	pipelines []Key
	theirs    []client.ListOption
}

// busy returns what the Pipelines that may be pruned wait for, as far as the cache
// shows.
func (a Applier) busy(ctx context.Context, in Input) (map[Key]Hold, error) {
	found := map[Key]Hold{}
	return found, in.addHolds(found, in.unwanted(), func(of asked) (map[Key]Hold, error) { return a.seen(ctx, of, in.Now) })
}

// confirm adds what the cache doesn't show yet of Pipelines that are about to be
// pruned: Runs that are active, and Jobs, of which nothing is known then. The rest
// the cache has shown for good: a Run or Job that has ended stays so.
func (a Applier) confirm(ctx context.Context, in Input) error {
	idle := slices.DeleteFunc(in.unwanted(), func(key Key) bool { return in.Busy[key] != "" })
	return in.addHolds(in.Busy, idle, func(of asked) (map[Key]Hold, error) { return a.unseen(ctx, of) })
}

// addHolds asks what the Pipelines wait for, for many of them together.
func (in Input) addHolds(into map[Key]Hold, pipelines []Key, ask func(asked) (map[Key]Hold, error)) error {
	for some := range slices.Chunk(pipelines, together) {
		names := make([]string, len(some))
		for i, key := range some {
			names[i] = key.Name
		}
		oneOf, err := labels.NewRequirement(v1alpha1.PipelineLabel, selection.In, names)
		if err != nil {
			return fmt.Errorf("ask what Pipelines that are to be pruned wait for: %w", err)
		}
		selector := client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*oneOf)}
		found, err := ask(asked{some, []client.ListOption{client.InNamespace(in.Namespace), selector}})
		if err != nil {
			return err
		}
		maps.Copy(into, found)
	}
	return nil
}

func (a Applier) seen(ctx context.Context, of asked, now time.Time) (map[Key]Hold, error) {
	var runs v1alpha1.RunList
	if err := a.Client.List(ctx, &runs, append(of.theirs, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("list the Runs of what is to be pruned: %w", err)
	}
	jobs, err := a.jobs(ctx, of)
	if err != nil {
		return nil, err
	}
	runsOf, jobsOf := byPipeline(runs.Items), byPipeline(jobs)
	found := map[Key]Hold{}
	for _, key := range of.pipelines {
		switch own := runsOf[key.Name]; {
		case slices.ContainsFunc(own, func(run v1alpha1.Run) bool { return !run.Status.Phase.Finished() }):
			found[key] = HoldRuns
		case !a.Settled(own, jobsOf[key.Name], now):
			found[key] = HoldJobs
		}
	}
	return found, nil
}

func (a Applier) unseen(ctx context.Context, of asked) (map[Key]Hold, error) {
	var active v1alpha1.RunList
	err := a.Live.List(ctx, &active, append(of.theirs, client.MatchingFields{v1alpha1.CompletionTimeField: ""})...)
	if err != nil {
		return nil, fmt.Errorf("ask for active Runs of what is to be pruned: %w", err)
	}
	live := metav1.PartialObjectMetadataList{}
	live.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
	// The cache holds Jobs of Runs alone.
	if err := a.Live.List(ctx, &live, append(of.theirs, client.HasLabels{v1alpha1.RunLabel})...); err != nil {
		return nil, fmt.Errorf("ask for Jobs of what is to be pruned: %w", err)
	}
	jobs, err := a.jobs(ctx, of)
	if err != nil {
		return nil, err
	}
	known := sets.New[types.UID]()
	for i := range jobs {
		known.Insert(jobs[i].UID)
	}
	runsOf, jobsOf := byPipeline(active.Items), byPipeline(live.Items)
	found := map[Key]Hold{}
	for _, key := range of.pipelines {
		switch {
		case len(runsOf[key.Name]) > 0:
			found[key] = HoldRuns
		case slices.ContainsFunc(jobsOf[key.Name], func(job metav1.PartialObjectMetadata) bool { return !known.Has(job.UID) }):
			found[key] = HoldJobs
		}
	}
	return found, nil
}

// jobs returns the Jobs of the Pipelines' Runs in the cache. They are its own.
func (a Applier) jobs(ctx context.Context, of asked) ([]batchv1.Job, error) {
	var jobs batchv1.JobList
	if err := a.Client.List(ctx, &jobs, append(of.theirs, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("list the Jobs of what is to be pruned: %w", err)
	}
	return jobs.Items, nil
}

func byPipeline[T any, P interface {
	*T
	client.Object
}](items []T) map[string][]T {
	found := map[string][]T{}
	for i := range items {
		name := P(&items[i]).GetLabels()[v1alpha1.PipelineLabel]
		found[name] = append(found[name], items[i])
	}
	return found
}
