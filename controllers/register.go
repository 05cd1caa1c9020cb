package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/admission"
	"github.com/kayci/kayci/controllers/configrepo"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/pipeline"
	"github.com/kayci/kayci/controllers/pipeline/revision"
	"github.com/kayci/kayci/controllers/report"
	"github.com/kayci/kayci/controllers/report/logs"
	"github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger"
	"github.com/kayci/kayci/controllers/trigger/decisions"
	"github.com/kayci/kayci/controllers/trigger/webhook"
	"github.com/kayci/kayci/render"
)

// recorderName stands in events as the component that reports them.
const recorderName = "kayci"

// Bounds of how soon what has failed is tried again. The clocks of Runs and the
// intervals of ConfigRepos go on while it lasts.
const (
	minBackoff = 5 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// controllerOptions are the same for all: each controller needs a limiter of its
// own.
func controllerOptions() controller.Options {
	return controller.Options{
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minBackoff, maxBackoff),
	}
}

func addControllers(mgr ctrl.Manager, opts Options, installed *revision.Installed) error {
	for _, add := range []func(ctrl.Manager, Options, *revision.Installed) error{
		addConfigRepo, addTrigger, addEvents, addRuns, addReports, addAdmission, addLiveness,
	} {
		if err := add(mgr, opts, installed); err != nil {
			return err
		}
	}
	return nil
}

// newInstalled returns the installation's defaults for jobs, or nil if none are
// named.
func newInstalled(mgr ctrl.Manager, key types.NamespacedName) (*revision.Installed, error) {
	if key.Name == "" {
		return nil, nil //nolint:nilnil // No defaults are a usual answer and no error.
	}
	installed := &revision.Installed{Reader: mgr.GetCache(), Key: key}
	valid := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kayci_job_defaults_valid",
		Help: "Whether the installation's defaults for jobs can be used: 0 means that no Run starts.",
	}, installed.Valid)
	if err := runtimemetrics.Registry.Register(valid); err != nil {
		return nil, fmt.Errorf("register the metric of the defaults for jobs: %w", err)
	}
	return installed, nil
}

func addConfigRepo(mgr ctrl.Manager, opts Options, installed *revision.Installed) error {
	counts, err := configrepo.NewMetrics(runtimemetrics.Registry)
	if err != nil {
		return fmt.Errorf("register the metrics of ConfigRepos: %w", err)
	}
	reconciler := &configrepo.Reconciler{
		Client:        mgr.GetClient(),
		APIReader:     mgr.GetAPIReader(),
		Recorder:      mgr.GetEventRecorder(recorderName),
		Clock:         clock.RealClock{},
		Metrics:       counts,
		Fetcher:       configrepo.Git{Proxy: opts.GitProxy, Limits: opts.GitLimits},
		Render:        render.Render,
		RenderCommand: opts.RenderCommand,
		Image:         opts.Image,
		GitImage:      opts.GitImage,
		Store:         opts.StoreURL,
		StoragePath:   opts.StoragePath,
		Installed:     installed,
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addPipeline(mgr ctrl.Manager, opts Options, counts *run.Metrics, installed *revision.Installed) error {
	reconciler := &pipeline.Reconciler{
		Client:    mgr.GetClient(),
		APIReader: mgr.GetAPIReader(),
		Clock:     clock.RealClock{},
		Forget:    counts.Forget,
		StoreWait: opts.StoreWait,
		Installed: installed,
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addTrigger(mgr ctrl.Manager, _ Options, _ *revision.Installed) error {
	reconciler := &trigger.Reconciler{
		Client:    mgr.GetClient(),
		APIReader: mgr.GetAPIReader(),
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addRuns(mgr ctrl.Manager, opts Options, installed *revision.Installed) error {
	counts, err := run.NewMetrics(runtimemetrics.Registry)
	if err == nil {
		err = runtimemetrics.Registry.Register(&run.Gauges{Client: mgr.GetClient(), Elected: mgr.Elected()})
	}
	if err != nil {
		return fmt.Errorf("register the metrics of Runs: %w", err)
	}
	if err := addPipeline(mgr, opts, counts, installed); err != nil {
		return err
	}
	reconciler := &run.Reconciler{
		Client:    mgr.GetClient(),
		APIReader: mgr.GetAPIReader(),
		Starter:   &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Installed: installed},
		Recorder:  mgr.GetEventRecorder(recorderName),
		Clock:     clock.RealClock{},
		Metrics:   counts,
		Installed: installed,
		Vouched:   opts.Admission.Enabled(),
	}
	return reconciler.SetupWithManager(mgr, controllerOptions())
}

func addReports(mgr ctrl.Manager, opts Options, _ *revision.Installed) error {
	pods, err := corev1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("set up the reading of logs: %w", err)
	}
	reporter := &report.Reporter{
		Client:    mgr.GetClient(),
		APIReader: mgr.GetAPIReader(),
		Opener:    githost.NewOpener(clock.RealClock{}, opts.GitProxy),
		Logs:      &logs.Reader{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Pods: pods},
		Page:      opts.ReportURL,
		Clock:     clock.RealClock{},
	}
	return reporter.SetupWithManager(mgr, controllerOptions())
}

func addWebhooks(mgr ctrl.Manager, opts Options, installed *revision.Installed, noted *decisions.Recorder) error {
	server, err := webhook.NewServer(webhook.Options{
		Address:         opts.WebhookAddress,
		Namespaces:      opts.WatchNamespaces,
		MaxBytes:        opts.WebhookMaxBytes,
		ShutdownTimeout: opts.GracefulShutdown,
		Client:          mgr.GetClient(),
		APIReader:       mgr.GetAPIReader(),
		Starter:         &start.Starter{Client: mgr.GetClient(), APIReader: mgr.GetAPIReader(), Installed: installed},
		Hosts:           &githost.OfTriggers{Reader: mgr.GetAPIReader(), Opener: githost.NewOpener(clock.RealClock{}, opts.GitProxy)},
		Decisions:       noted,
		Clock:           clock.RealClock{},
		Log:             mgr.GetLogger().WithName("webhook"),
		Metrics:         runtimemetrics.Registry,
		Instance:        opts.Instance,
	})
	if err != nil {
		return err
	}
	// Replicas that don't lead have no controller that would fill these caches.
	read := []client.Object{&v1alpha1.ConfigRepo{}, &v1alpha1.Trigger{}, &v1alpha1.Pipeline{}, &appsv1.ControllerRevision{}}
	if installed != nil {
		read = append(read, &corev1.ConfigMap{})
	}
	for _, read := range read {
		if _, err := mgr.GetCache().GetInformer(context.Background(), read, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T: %w", read, err)
		}
	}
	if err := mgr.Add(server); err != nil {
		return err
	}
	// The manager starts the server when the caches are filled, on every replica.
	return mgr.AddReadyzCheck("webhooks", server.Ready)
}

func addAdmission(mgr ctrl.Manager, opts Options, _ *revision.Installed) error {
	if !opts.Admission.Enabled() {
		return nil
	}
	return admission.SetupWithManager(mgr, opts.Admission)
}

func addLiveness(mgr ctrl.Manager, _ Options, _ *revision.Installed) error {
	return mgr.AddHealthzCheck("ping", healthz.Ping)
}
