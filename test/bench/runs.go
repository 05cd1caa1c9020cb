package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

const (
	// chainLength is the number of jobs of a Run.
	chainLength = 3
	// pipelineName is the Pipeline of all Runs, and runsNamespace where most of them are.
	pipelineName, runsNamespace = "chain", "bench-runs"
	// mostAtOnce bounds how many unfinished Runs there are while Runs are made to
	// be kept.
	mostAtOnce = 500
	// stall is how long nothing may end while something should.
	stall = 5 * time.Minute
)

// chainJob is a job that ends at once, on the simulated node.
func chainJob(name, need string) v1alpha1.Job {
	job := v1alpha1.Job{Name: name}
	if need != "" {
		job.Needs = []string{need}
	}
	job.Template.Spec.Template.Spec = corev1.PodSpec{
		NodeName:   nodeName,
		Containers: []corev1.Container{{Name: "main", Image: "busybox:1.37", Command: []string{"true"}}},
	}
	return job
}

// chain is a Pipeline whose jobs follow each other.
func chain(namespace string) *v1alpha1.Pipeline {
	p := &v1alpha1.Pipeline{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pipelineName}}
	// All Runs are kept.
	p.Spec.Retention = &v1alpha1.Retention{}
	need := ""
	for i := range chainLength {
		name := fmt.Sprintf("job-%d", i)
		p.Spec.Jobs = append(p.Spec.Jobs, chainJob(name, need))
		need = name
	}
	return p
}

// runs starts Runs of a namespace and sees them end.
type runs struct {
	cluster   *cluster
	namespace string
	started   int

	mu       sync.Mutex
	finished map[string]v1alpha1.RunPhase
	news     chan struct{}
}

// newRuns makes a namespace with the Pipeline, and has one Run of it end.
func newRuns(ctx context.Context, c *cluster, namespace string) (*runs, error) {
	if err := c.namespace(ctx, namespace); err != nil {
		return nil, err
	}
	if err := c.client.Create(ctx, chain(namespace)); err != nil {
		return nil, fmt.Errorf("make a Pipeline: %w", err)
	}
	r := &runs{cluster: c, namespace: namespace, finished: map[string]v1alpha1.RunPhase{}, news: make(chan struct{}, 1)}
	if err := r.watch(ctx); err != nil {
		return nil, fmt.Errorf("watch Runs: %w", err)
	}
	if _, err := r.run(ctx, 1); err != nil {
		return nil, err
	}
	return r, nil
}

// watch notes how Runs end, until the context does.
func (r *runs) watch(ctx context.Context) error {
	watched, err := cache.New(r.cluster.config, cache.Options{
		Scheme:            r.cluster.client.Scheme(),
		DefaultTransform:  cache.TransformStripManagedFields(),
		DefaultNamespaces: map[string]cache.Config{r.namespace: {}},
	})
	if err != nil {
		return err
	}
	informer, err := watched.GetInformer(ctx, &v1alpha1.Run{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: r.note, UpdateFunc: func(_, obj any) { r.note(obj) },
	})
	if err != nil {
		return err
	}
	go func() { _ = watched.Start(ctx) }() // It returns no error but by its caches' kinds.
	if !watched.WaitForCacheSync(ctx) {
		return ctx.Err()
	}
	return nil
}

func (r *runs) note(obj any) {
	run, ok := obj.(*v1alpha1.Run)
	if !ok || !run.Status.Phase.Finished() {
		return
	}
	r.mu.Lock()
	r.finished[run.Name] = run.Status.Phase
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// run starts Runs at once and waits until they have succeeded. It returns how
// long that took.
func (r *runs) run(ctx context.Context, count int) (time.Duration, error) {
	var pipeline v1alpha1.Pipeline
	if err := r.cluster.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: pipelineName}, &pipeline); err != nil {
		return 0, fmt.Errorf("read the Pipeline: %w", err)
	}
	begin := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrent + 1)
	group.Go(func() error { return r.await(ctx, r.started+count) })
	for i := range count {
		name := fmt.Sprintf("run-%d", r.started+i)
		group.Go(func() error {
			return r.cluster.client.Create(ctx, delivered(&pipeline, name))
		})
	}
	if err := group.Wait(); err != nil {
		return 0, fmt.Errorf("run %d Runs: %w", count, err)
	}
	r.started += count
	return time.Since(begin), nil
}

// delivered is a Run as a Trigger starts it. Of one that is made by hand KayCI adds
// what is missing, with a request more.
func delivered(pipeline *v1alpha1.Pipeline, name string) *v1alpha1.Run {
	return &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pipeline.Namespace, Name: name,
			Labels:          map[string]string{v1alpha1.PipelineLabel: pipeline.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(pipeline, v1alpha1.GroupVersion().WithKind(v1alpha1.PipelineKind))},
		},
		Spec: v1alpha1.RunSpec{Pipeline: pipeline.Name, Revision: pipeline.Status.Revision},
	}
}

// keep makes finished Runs until there are as many.
func (r *runs) keep(ctx context.Context, count int) error {
	for r.started < count {
		progress("%s: %d of %d Runs have finished", r.namespace, r.started, count)
		if _, err := r.run(ctx, min(mostAtOnce, count-r.started)); err != nil {
			return err
		}
	}
	return nil
}

// await waits until as many Runs have succeeded.
func (r *runs) await(ctx context.Context, count int) error {
	for {
		done, err := r.succeeded()
		if err != nil || done >= count {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.news:
		case <-time.After(stall):
			return fmt.Errorf("%d of %d Runs have finished, and no other for %s", done, count, stall)
		}
	}
}

func (r *runs) succeeded() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, phase := range r.finished {
		if phase != v1alpha1.RunSucceeded {
			return 0, fmt.Errorf("the Run %s has %s", name, phase)
		}
	}
	return len(r.finished), nil
}
