// Package controllers puts the controllers and the webhook server together on
// one manager: what is cached, what is read live, what runs on the leader.
package controllers

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/admission"
	"github.com/kayci/kayci/controllers/lean"
	"github.com/kayci/kayci/controllers/shelf"
	"github.com/kayci/kayci/sync/git"
)

const leaderElectionID = "kayci-controller"

// Options are the settings of a controller process.
type Options struct {
	// WatchNamespaces restricts KayCI to these namespaces. Empty means all.
	WatchNamespaces []string
	// WebhookAddress, MetricsAddress, ProbeAddress and PprofAddress are listening
	// addresses, as in net.Listen. "0" turns metrics, probes or profiles off.
	WebhookAddress, MetricsAddress, ProbeAddress, PprofAddress string
	// WebhookMaxBytes bounds the body of a webhook.
	WebhookMaxBytes int64
	// Admission serves the admission webhook of KayCI's kinds. The zero value
	// serves none.
	Admission admission.Options
	// GitLimits bound what a commit may bring in. Fields that are zero take their
	// defaults.
	GitLimits git.Limits
	// GitProxy chooses the HTTP proxy to a git server, unless a ConfigRepo names
	// one. Nil: none.
	GitProxy git.Proxy
	// StoragePath is a writable folder for the git stores. It may be lost.
	StoragePath string
	// RenderCommand starts the process that evaluates jsonnet.
	RenderCommand []string
	// JobDefaults names the ConfigMap with the installation's defaults for jobs.
	// Empty: there is none.
	JobDefaults types.NamespacedName
	// ReportURL is the address of Runs' pages, with names in braces, where a Trigger's
	// report gives none. Empty: none.
	ReportURL string
	// StoreURL is the store's address within the cluster, by which pods keep artifacts and
	// caches. Empty: there is no store.
	StoreURL string
	// StoreWait is how long after its end a Run is kept for the store. 0: there is none.
	StoreWait time.Duration
	// Image is KayCI's own, which the notifiers of the built-in library run.
	Image string
	// GitImage is KayCI's own with git in it, which the library's checkouts run. Blank:
	// what render.GitImage makes of the other.
	GitImage string
	// Concurrent is the number of objects of a kind that are reconciled at once.
	Concurrent int
	// LeaderElection lets any number of replicas run; one of them reconciles.
	LeaderElection bool
	// LeaderElectionNamespace holds the Lease. Empty: the process's own.
	LeaderElectionNamespace string
	// Instance names this replica in the records of decisions.
	Instance string
	// GracefulShutdown is how long requests in flight may take to end.
	GracefulShutdown time.Duration
}

// NewScheme returns a scheme with every kind that KayCI reads or writes.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return scheme, v1alpha1.AddToScheme(scheme)
}

// NewManager returns a manager with all controllers, ready to start.
func NewManager(cfg *rest.Config, opts Options) (ctrl.Manager, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	// The API server's priority and fairness is the limit. One here would only
	// make a burst of Runs slow.
	cfg.QPS, cfg.Burst = -1, 0
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme,
		Cache:  cacheOptions(opts.WatchNamespaces, opts.JobDefaults),
		Client: client.Options{Cache: &client.CacheOptions{
			// Read by name, when needed: never a list of all Secrets in memory.
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
		Metrics:                       metricsserver.Options{BindAddress: opts.MetricsAddress},
		HealthProbeBindAddress:        opts.ProbeAddress,
		PprofBindAddress:              opts.PprofAddress,
		LeaderElection:                opts.LeaderElection,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       opts.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &opts.GracefulShutdown,
		Controller:                    config.Controller{MaxConcurrentReconciles: opts.Concurrent},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the manager: %w", err)
	}
	installed, err := newInstalled(mgr, opts.JobDefaults)
	if err != nil {
		return nil, err
	}
	return mgr, addControllers(mgr, opts, installed)
}

// cacheOptions keeps memory in proportion to KayCI's own objects: pods, Jobs
// and revisions of others are not watched at all.
func cacheOptions(namespaces []string, jobDefaults types.NamespacedName) cache.Options {
	kept := &lean.Cache{}
	opts := cache.Options{
		NewInformer:      shelf.NewInformer,
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&batchv1.Job{}:               {Label: HasLabel(v1alpha1.RunLabel), Transform: kept.Job},
			&corev1.Pod{}:                {Label: HasLabel(v1alpha1.RunLabel), Transform: kept.Pod},
			&v1alpha1.Run{}:              {Transform: kept.Run},
			&appsv1.ControllerRevision{}: {Label: HasLabel(v1alpha1.PipelineLabel)},
		},
	}
	if jobDefaults.Name != "" {
		// One object, by its name: no other ConfigMap is listed or watched.
		opts.ByObject[&corev1.ConfigMap{}] = cache.ByObject{Namespaces: map[string]cache.Config{
			jobDefaults.Namespace: {FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, jobDefaults.Name)},
		}}
	}
	opts.DefaultNamespaces = Namespaces(namespaces)
	return opts
}

// Namespaces has a cache watch these namespaces, and all of them if none is named.
func Namespaces(names []string) map[string]cache.Config {
	if len(names) == 0 {
		return nil
	}
	watched := make(map[string]cache.Config, len(names))
	for _, name := range names {
		watched[name] = cache.Config{}
	}
	return watched
}

// HasLabel selects what has the label, with any value.
func HasLabel(name string) labels.Selector {
	requirement, err := labels.NewRequirement(name, selection.Exists, nil)
	if err != nil {
		// Only a label name that is no label name gets here.
		return labels.Nothing()
	}
	return labels.NewSelector().Add(*requirement)
}
