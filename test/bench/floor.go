package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// floorCommand has this program act as the floor program: what a plain program
// costs that does the same by itself. It keeps nothing, checks nothing and can
// be asked nothing.
const floorCommand = "floor"

// Labels of the floor program's Jobs.
const (
	chainLabel = "chain"
	stepLabel  = "step"
)

// floorResult is what the floor program prints.
type floorResult struct {
	Seconds  float64
	Requests map[string]float64
}

// floorUse is what the floor program took, as seen from outside.
type floorUse struct {
	floorResult

	cpu, server time.Duration
}

type floorProgram struct {
	namespace     string
	count, length int

	config   *rest.Config
	mu       sync.Mutex
	requests map[string]float64
}

// runFloor runs the floor program in a process of its own, and waits until the
// cluster has nothing left to do about it.
func runFloor(ctx context.Context, c *cluster, args ...string) (floorUse, error) {
	var use floorUse
	before, err := readUsage(c.server)
	if err != nil {
		return use, err
	}
	self, err := os.Executable()
	if err != nil {
		return use, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{floorCommand}, args...)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return use, fmt.Errorf("run the floor program: %w", err)
	}
	if err := json.Unmarshal(out.Bytes(), &use.floorResult); err != nil {
		return use, fmt.Errorf("read what the floor program says: %w", err)
	}
	use.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := c.settle(ctx); err != nil {
		return use, err
	}
	after, err := readUsage(c.server)
	use.server = after.since(before).all()
	return use, err
}

// floorMain is the floor program.
func floorMain(ctx context.Context, args []string, out io.Writer) error {
	f := &floorProgram{requests: map[string]float64{}}
	var pipelines bool
	flags := flag.NewFlagSet(floorCommand, flag.ContinueOnError)
	flags.StringVar(&f.namespace, "namespace", "", "where to work")
	flags.IntVar(&f.count, "count", 1, "how many chains, or Pipelines")
	flags.IntVar(&f.length, "length", chainLength, "Jobs of a chain")
	flags.BoolVar(&pipelines, "pipelines", false, "apply Pipelines instead")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.QPS, config.Burst = -1, 0
	config.Wrap(f.counting)
	f.config = config
	work := f.chains
	if pipelines {
		work = f.pipelines
	}
	took, err := work(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(floorResult{Seconds: took.Seconds(), Requests: f.requests})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// counting counts each request.
func (f *floorProgram) counting(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		f.mu.Lock()
		f.requests[r.Method]++
		f.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// step is a Job of a chain.
type step struct{ chain, number int }

// chains creates the first Job of each chain, and the next one when the pod of
// the last has ended, until the last pods have.
func (f *floorProgram) chains(ctx context.Context) (time.Duration, error) {
	clients, err := kubernetes.NewForConfig(f.config)
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan step, f.count*f.length)
	if err := f.watchPods(ctx, clients, ended); err != nil {
		return 0, err
	}
	begin := time.Now()
	due := make(chan step, f.count*f.length)
	for chain := range f.count {
		due <- step{chain: chain}
	}
	group, ctx := errgroup.WithContext(ctx)
	for range concurrent {
		group.Go(func() error {
			for s := range due {
				if _, err := clients.BatchV1().Jobs(f.namespace).Create(ctx, f.job(s), metav1.CreateOptions{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(due)
		return f.follow(ctx, ended, due)
	})
	err = group.Wait()
	return time.Since(begin), err
}

// follow asks for the next Job of each chain, until all are at their end.
func (f *floorProgram) follow(ctx context.Context, ended <-chan step, due chan<- step) error {
	for left := f.count; left > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(stall):
			return fmt.Errorf("%d of %d chains have not ended, and no pod has for %s", left, f.count, stall)
		case s := <-ended:
			if s.number++; s.number < f.length {
				due <- s
			} else {
				left--
			}
		}
	}
	return nil
}

// watchPods tells of each pod once that its containers have ended.
func (f *floorProgram) watchPods(ctx context.Context, clients kubernetes.Interface, ended chan<- step) error {
	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(f.namespace))
	informer := factory.Core().V1().Pods().Informer()
	seen := map[step]bool{}
	look := func(obj any) {
		pod, ok := obj.(*corev1.Pod)
		if !ok || len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].State.Terminated == nil {
			return
		}
		chain, err := strconv.Atoi(pod.Labels[chainLabel])
		number, err2 := strconv.Atoi(pod.Labels[stepLabel])
		if s := (step{chain, number}); errors.Join(err, err2) == nil && !seen[s] {
			seen[s] = true
			ended <- s
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: look, UpdateFunc: func(_, obj any) { look(obj) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, filled := range factory.WaitForCacheSync(ctx.Done()) {
		if !filled {
			return fmt.Errorf("watch %s: %w", kind, ctx.Err())
		}
	}
	return nil
}

// job is the Job of a step, as KayCI makes it of the chain: what Jobs and pods that
// are so cost the cluster, both have. Nobody owns it, as there is no Run.
func (f *floorProgram) job(s step) *batchv1.Job {
	run := &v1alpha1.Run{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: fmt.Sprintf("chain-%d", s.chain)},
		Spec:       v1alpha1.RunSpec{Pipeline: pipelineName},
	}
	spec := &chain(f.namespace).Spec
	built := job.Build(run, int64(s.chain), spec, &spec.Jobs[s.number%len(spec.Jobs)])
	built.Name = fmt.Sprintf("chain-%d-%d", s.chain, s.number)
	built.OwnerReferences = nil
	built.Spec.Template.Labels[chainLabel], built.Spec.Template.Labels[stepLabel] = strconv.Itoa(s.chain), strconv.Itoa(s.number)
	return built
}

// pipelines applies Pipelines like those that KayCI syncs, as they are.
func (f *floorProgram) pipelines(ctx context.Context) (time.Duration, error) {
	clients, err := dynamic.NewForConfig(f.config)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrent)
	for i := range f.count {
		group.Go(func() error {
			object, err := floorPipeline(f.namespace, i)
			if err != nil {
				return err
			}
			_, err = clients.Resource(v1alpha1.GroupVersion().WithResource("pipelines")).Namespace(f.namespace).
				Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: floorCommand, Force: true})
			return err
		})
	}
	err = group.Wait()
	return time.Since(begin), err
}
