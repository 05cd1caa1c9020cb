package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// jobRuns starts Runs one after the other, and sees when their pods and jobs come and go.
type jobRuns struct {
	cluster *cluster
	kayci   *kayci
	store   *storeProcess
	counter *counter
	started int

	mu sync.Mutex
	// created is when the pod of a job was first seen, and ended when the Run said first
	// that the job has ended; both by Run and job.
	created, ended map[string]time.Time
	runs           map[string]*v1alpha1.Run
	pods           map[string]corev1.PodPhase
	news           chan struct{}
}

// jobTook is how long a job took, in seconds: until its program began, the program, and
// from the program's end to that of the job.
type jobTook struct{ before, program, after float64 }

func (t jobTook) all() float64 { return t.before + t.program + t.after }

// runTook is what a Run has taken.
type runTook struct {
	jobs map[string]jobTook
	// requests to the API server of KayCI and of the store, and to the store of its pods.
	kayci, store, asked float64
	load                float64
}

func key(run, job string) string { return run + "/" + job }

// watch notes news, until the context ends.
func (j *jobRuns) watch(ctx context.Context) error {
	j.created, j.ended = map[string]time.Time{}, map[string]time.Time{}
	j.runs, j.pods, j.news = map[string]*v1alpha1.Run{}, map[string]corev1.PodPhase{}, make(chan struct{}, 1)
	watched, err := cache.New(j.cluster.config, cache.Options{
		Scheme: j.cluster.client.Scheme(), DefaultNamespaces: map[string]cache.Config{runsNamespace: {}},
	})
	if err != nil {
		return err
	}
	for _, kind := range []client.Object{&v1alpha1.Run{}, &corev1.Pod{}} {
		informer, err := watched.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: j.note, UpdateFunc: func(_, object any) { j.note(object) },
		}); err != nil {
			return err
		}
	}
	go func() { _ = watched.Start(ctx) }() // It returns no error but by its caches' kinds.
	if !watched.WaitForCacheSync(ctx) {
		return ctx.Err()
	}
	return nil
}

func (j *jobRuns) note(object any) {
	now := time.Now()
	j.mu.Lock()
	switch o := object.(type) {
	case *corev1.Pod:
		at := key(o.Labels[v1alpha1.RunLabel], o.Labels[v1alpha1.JobLabel])
		if j.created[at].IsZero() {
			j.created[at] = now
		}
		j.pods[at] = o.Status.Phase
	case *v1alpha1.Run:
		j.runs[o.Name] = o
		for i := range o.Status.Jobs {
			if at := key(o.Name, o.Status.Jobs[i].Name); o.Status.Jobs[i].Phase.Finished() && j.ended[at].IsZero() {
				j.ended[at] = now
			}
		}
	}
	j.mu.Unlock()
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// run does a Run of a Pipeline, and waits until nothing of it is left to do.
func (j *jobRuns) run(ctx context.Context, pipeline string) (runTook, error) {
	var of v1alpha1.Pipeline
	if err := j.cluster.client.Get(ctx, client.ObjectKey{Namespace: runsNamespace, Name: pipeline}, &of); err != nil {
		return runTook{}, fmt.Errorf("read the Pipeline: %w", err)
	}
	j.started++
	name := fmt.Sprintf("%s-%d", pipeline, j.started)
	took := runTook{jobs: map[string]jobTook{}}
	var err error
	if took.load, err = load(); err != nil {
		return took, err
	}
	before, err := j.requests(ctx)
	if err != nil {
		return took, err
	}
	if err := j.cluster.client.Create(ctx, delivered(&of, name)); err != nil {
		return took, fmt.Errorf("start a Run: %w", err)
	}
	run, err := j.await(ctx, name)
	if err != nil {
		return took, err
	}
	if run.Status.Phase != v1alpha1.RunSucceeded {
		return took, fmt.Errorf("the Run %s has %s: %s", name, run.Status.Phase, meta.FindStatusCondition(run.Status.Conditions, v1alpha1.SucceededCondition).Message)
	}
	after, err := j.requests(ctx)
	if err != nil {
		return took, err
	}
	took.kayci, took.store, took.asked = after[0]-before[0], after[1]-before[1], after[2]-before[2]
	for i := range run.Status.Jobs {
		job := &run.Status.Jobs[i]
		if took.jobs[job.Name], err = j.took(name, job); err != nil {
			return took, err
		}
	}
	// Its pods hold their files.
	return took, j.cluster.client.Delete(ctx, run, client.PropagationPolicy(metav1.DeletePropagationBackground))
}

// requests to the API server of KayCI and of the store, and to the store of pods.
func (j *jobRuns) requests(ctx context.Context) (counts [3]float64, err error) {
	s, err := j.kayci.own(ctx)
	if err != nil {
		return counts, err
	}
	counts[0] = s.total()
	if counts[1], err = j.store.sum(ctx, "rest_client_requests_total"); err != nil {
		return counts, err
	}
	counts[2] = float64(j.counter.requests.Load())
	return counts, nil
}

// took is how long a job took that has succeeded.
func (j *jobRuns) took(run string, job *v1alpha1.JobStatus) (jobTook, error) {
	if job.Phase != v1alpha1.JobSucceeded || len(job.Warnings) > 0 {
		return jobTook{}, fmt.Errorf("job %s of %s is %s: %s %q", job.Name, run, job.Phase, job.Message, job.Warnings)
	}
	began, err := strconv.ParseInt(job.Outputs[beganOutput], 10, 64)
	if err != nil {
		return jobTook{}, fmt.Errorf("when the program of %s began: %w", run, err)
	}
	ended, err := strconv.ParseInt(job.Outputs[endedOutput], 10, 64)
	if err != nil {
		return jobTook{}, fmt.Errorf("when the program of %s ended: %w", run, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	at := key(run, job.Name)
	return jobTook{
		before: time.Unix(0, began).Sub(j.created[at]).Seconds(), program: time.Duration(ended - began).Seconds(),
		after: j.ended[at].Sub(time.Unix(0, ended)).Seconds(),
	}, nil
}

// await waits until the Run and its pods have ended, and all is stored.
func (j *jobRuns) await(ctx context.Context, name string) (*v1alpha1.Run, error) {
	for {
		run, done := j.done(name)
		if done {
			return run, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-j.news:
		case <-time.After(stall):
			return nil, fmt.Errorf("the Run %s hasn't ended, and nothing has happened for %s", name, stall)
		}
	}
}

func (j *jobRuns) done(name string) (*v1alpha1.Run, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	run := j.runs[name]
	if run == nil || !run.Status.Phase.Finished() || !meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.StoredCondition) {
		return nil, false
	}
	for i := range run.Status.Jobs {
		if phase := j.pods[key(name, run.Status.Jobs[i].Name)]; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			return nil, false
		}
	}
	return run, true
}

// load is the machine's load average of the last minute.
func load() (float64, error) {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, fmt.Errorf("read the machine's load: %w", err)
	}
	first, _, _ := strings.Cut(string(data), " ")
	return strconv.ParseFloat(first, 64)
}
