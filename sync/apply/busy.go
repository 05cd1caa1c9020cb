package apply

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// busy returns what the Pipelines that may be pruned wait for, as far as the cache
// shows.
func (a Applier) busy(ctx context.Context, in Input) (map[Key]Hold, error) {
	found := map[Key]Hold{}
	for _, key := range in.unwanted() {
		hold, err := a.hold(ctx, in, key)
		switch {
		case err != nil:
			return nil, err
		case hold != "":
			found[key] = hold
		}
	}
	return found, nil
}

func (a Applier) hold(ctx context.Context, in Input, pipeline Key) (Hold, error) {
	var runs v1alpha1.RunList
	if err := a.Client.List(ctx, &runs, ofPipeline(in, pipeline, client.UnsafeDisableDeepCopy)...); err != nil {
		return "", fmt.Errorf("list the Runs of %s: %w", pipeline, err)
	}
	if slices.ContainsFunc(runs.Items, func(run v1alpha1.Run) bool { return !run.Status.Phase.Finished() }) {
		return HoldRuns, nil
	}
	jobs, err := a.jobs(ctx, in, pipeline)
	if err != nil {
		return "", err
	}
	if !a.Settled(runs.Items, jobs, in.Now) {
		return HoldJobs, nil
	}
	return "", nil
}

// confirm adds what the cache doesn't show yet of Pipelines that are about to be
// pruned: Runs that are active, and Jobs, of which nothing is known then. The rest
// the cache has shown for good: a Run or Job that has ended stays so.
func (a Applier) confirm(ctx context.Context, in Input) error {
	for _, key := range in.unwanted() {
		if in.Busy[key] != "" {
			continue
		}
		hold, err := a.unseen(ctx, in, key)
		switch {
		case err != nil:
			return err
		case hold != "":
			in.Busy[key] = hold
		}
	}
	return nil
}

func (a Applier) unseen(ctx context.Context, in Input, pipeline Key) (Hold, error) {
	var active v1alpha1.RunList
	err := a.Live.List(ctx, &active, ofPipeline(in, pipeline, client.MatchingFields{v1alpha1.CompletionTimeField: ""})...)
	if err != nil {
		return "", fmt.Errorf("ask for active Runs of %s: %w", pipeline, err)
	}
	if len(active.Items) > 0 {
		return HoldRuns, nil
	}
	live := metav1.PartialObjectMetadataList{}
	live.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
	// The cache holds Jobs of Runs alone.
	if err := a.Live.List(ctx, &live, ofPipeline(in, pipeline, client.HasLabels{v1alpha1.RunLabel})...); err != nil {
		return "", fmt.Errorf("ask for Jobs of %s: %w", pipeline, err)
	}
	jobs, err := a.jobs(ctx, in, pipeline)
	if err != nil {
		return "", err
	}
	known := sets.New[types.UID]()
	for i := range jobs {
		known.Insert(jobs[i].UID)
	}
	if slices.ContainsFunc(live.Items, func(job metav1.PartialObjectMetadata) bool { return !known.Has(job.UID) }) {
		return HoldJobs, nil
	}
	return "", nil
}

// jobs returns the Jobs of the Pipeline's Runs in the cache. They are its own.
func (a Applier) jobs(ctx context.Context, in Input, pipeline Key) ([]batchv1.Job, error) {
	var jobs batchv1.JobList
	if err := a.Client.List(ctx, &jobs, ofPipeline(in, pipeline, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("list the Jobs of %s: %w", pipeline, err)
	}
	return jobs.Items, nil
}

func ofPipeline(in Input, pipeline Key, opts ...client.ListOption) []client.ListOption {
	return append([]client.ListOption{client.InNamespace(in.Namespace), client.MatchingLabels{v1alpha1.PipelineLabel: pipeline.Name}}, opts...)
}
