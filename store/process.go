// Package store puts the store together on one manager: what it follows, records and
// removes on the replica that leads, and what each of its replicas answers.
package store

import (
	"context"
	"fmt"
	"net/http"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/keeper"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/pods"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
)

const leaderElectionID = "kayci-store"

// Options are the settings of the process.
type Options struct {
	// WatchNamespaces restricts the store to these namespaces. Empty: all.
	WatchNamespaces []string
	// Address answers who reads. The others may be "0" for none.
	Address, MetricsAddress, ProbeAddress, PprofAddress string
	// Streams is how many logs are followed at once.
	Streams int
	// MaxLog is how much is kept of a container's log, in bytes.
	MaxLog int64
	// Bounds say for how long Runs are kept.
	Bounds records.Bounds
	// Limits of what jobs keep.
	Limits Limits
	// DefaultBranches are the names that a repository's default branch may have: all Runs
	// of the repository read its caches.
	DefaultBranches []string
	// LeaderElection lets several replicas run, of which one follows.
	LeaderElection bool
	// LeaderElectionNamespace holds the Lease. Empty: the process's own.
	LeaderElectionNamespace string
	// GracefulShutdown is how long requests in flight may take to end.
	GracefulShutdown time.Duration
}

// Bounds of how soon what has failed is tried again.
const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = time.Minute
)

// readers is how many logs are read by people at once.
const readers = 200

// NewManager returns a manager with all that the store does, ready to start.
func NewManager(ctx context.Context, cfg *rest.Config, in bucket.Bucket, opts Options) (ctrl.Manager, error) {
	scheme, err := controllers.NewScheme()
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst = -1, 0
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions(opts.WatchNamespaces),
		Metrics:                       metricsserver.Options{BindAddress: opts.MetricsAddress},
		HealthProbeBindAddress:        opts.ProbeAddress,
		PprofBindAddress:              opts.PprofAddress,
		LeaderElection:                opts.LeaderElection,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       opts.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &opts.GracefulShutdown,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the manager: %w", err)
	}
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	// By HTTP/2 all logs would share a connection, and what arrives of each be held in
	// memory, up to 4 MiB, while the bucket is slow. So each has a connection of its own,
	// and waits at the API server.
	alone := rest.CopyConfig(cfg)
	alone.NextProtos = []string{"http/1.1"}
	nodes, err := kubernetes.NewForConfig(alone)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	if err := addKeeper(ctx, mgr, nodes, in, opts); err != nil {
		return nil, err
	}
	reviewer, err := serve.NewReviewer(cfg)
	if err != nil {
		return nil, err
	}
	return mgr, addServer(mgr, kube, reviewer, in, opts)
}

// cacheOptions keep of pods and Jobs what says whose they are and how they go.
func cacheOptions(namespaces []string) cache.Options {
	selector := controllers.HasLabel(v1alpha1.RunLabel)
	return cache.Options{
		DefaultNamespaces: controllers.Namespaces(namespaces),
		DefaultTransform:  cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&batchv1.Job{}: {Label: selector, Transform: func(object any) (any, error) {
				if job, is := object.(*batchv1.Job); is {
					job.ManagedFields, job.Spec.Template = nil, corev1.PodTemplateSpec{}
				}
				return object, nil
			}},
			&corev1.Pod{}: {Label: selector, Transform: func(object any) (any, error) {
				if pod, is := object.(*corev1.Pod); is {
					*pod = records.Lean(pod)
				}
				return object, nil
			}},
		},
	}
}

func addKeeper(ctx context.Context, mgr ctrl.Manager, kube kubernetes.Interface, in bucket.Bucket, opts Options) error {
	metrics, err := keeper.NewMetrics(runtimemetrics.Registry)
	if err != nil {
		return err
	}
	l := &keeper.Logs{
		Client:    mgr.GetClient(),
		APIReader: mgr.GetAPIReader(),
		Keeper:    &logs.Keeper{Bucket: in, Source: &runlogs.Pods{Client: kube.CoreV1()}, Clock: clock.RealClock{}, MaxBytes: opts.MaxLog},
		Clock:     clock.RealClock{},
		Streams:   make(chan struct{}, opts.Streams),
		Ended:     make(chan event.TypedGenericEvent[*v1alpha1.Run]),
		Metrics:   metrics,
	}
	r := &keeper.Runs{
		Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Status: mgr.GetClient(),
		Bucket: in, Logs: l, Clock: clock.RealClock{}, Metrics: metrics,
	}
	options := controller.Options{
		MaxConcurrentReconciles: 4,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minBackoff, maxBackoff),
	}
	if err := keeper.SetupWithManager(ctx, mgr, l, r, options); err != nil {
		return err
	}
	return mgr.Add(&keeper.Expiry{Bucket: in, Bounds: opts.Bounds, Caches: opts.caches(), Clock: clock.RealClock{}, Metrics: metrics})
}

// addServer has each replica answer.
func addServer(mgr ctrl.Manager, kube kubernetes.Interface, reviewer serve.Reviewer, in bucket.Bucket, opts Options) error {
	handler := http.NewServeMux()
	handler.Handle("/v1/pod/", pods.New(pods.Options{
		Bucket: in, Client: kube, Reader: mgr.GetAPIReader(), Namespaces: opts.WatchNamespaces, DefaultBranches: opts.DefaultBranches,
		Artifacts: opts.artifacts(), Caches: opts.caches(), Clock: clock.RealClock{}, Log: mgr.GetLogger().WithName("pods"),
	}))
	handler.Handle("/", serve.New(serve.Options{
		Bucket: in, Reviewer: reviewer, Clock: clock.RealClock{}, Log: mgr.GetLogger().WithName("store"), Streams: readers, Archives: archives(),
	}))
	err := mgr.Add(&manager.Server{
		Name:            "store",
		Server:          &http.Server{Addr: opts.Address, Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 128 << 10},
		ShutdownTimeout: &opts.GracefulShutdown,
	})
	if err != nil {
		return fmt.Errorf("set up the server: %w", err)
	}
	for _, add := range []func(string, healthz.Checker) error{mgr.AddHealthzCheck, mgr.AddReadyzCheck} {
		if err := add("ping", healthz.Ping); err != nil {
			return fmt.Errorf("set up the probes: %w", err)
		}
	}
	return nil
}
