package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	ctrl "sigs.k8s.io/controller-runtime"
	runtimemetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kayci/kayci/api/validation"
	"github.com/kayci/kayci/cli/author"
	"github.com/kayci/kayci/controllers"
	"github.com/kayci/kayci/render"
)

// intervalJitter is the part of a ConfigRepo's interval that is left to chance.
const intervalJitter = 0.05

type controllerFlags struct {
	controllers.Options
	maxBody         resource.QuantityValue
	memoryLimit     resource.QuantityValue
	gitLimits       gitLimitFlags
	admissionSecret string
	jobDefaults     string
	log             logger.Options
}

func newControllerCommand() *cobra.Command {
	flags := controllerFlags{maxBody: resource.QuantityValue{Quantity: resource.MustParse("10Mi")}}
	cmd := &cobra.Command{
		Use:   "controller",
		Short: "Sync config repositories, receive webhooks and run pipelines",
		Args:  cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) {
			setLogger(flags.log)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.WatchNamespaces, "watch-namespaces", nil, "namespaces to serve, separated by commas (default all)")
	f.StringVar(&flags.WebhookAddress, "webhook-bind-address", ":8080", "address that receives webhooks")
	addresses{&flags.MetricsAddress, &flags.ProbeAddress, &flags.PprofAddress}.bind(f)
	f.Var(&flags.maxBody, "webhook-max-body", "largest body of a webhook, in bytes")
	f.Var(&flags.memoryLimit, "memory-limit", "memory of the container, in bytes; near it Go collects garbage more often. Ignored if GOMEMLIMIT is set; 0 for none")
	f.StringVar(&flags.Admission.Address, "admission-bind-address", "0", "address of the admission webhook; 0 for none")
	f.StringVar(&flags.Admission.Host, "admission-host", "", "name by which API servers call it: SERVICE.NAMESPACE.svc")
	f.StringVar(&flags.admissionSecret, "admission-secret", "", "Secret that keeps its certificate, as NAMESPACE/NAME; it must exist")
	f.StringVar(&flags.Admission.Configuration, "admission-configuration", "", "name of the ValidatingWebhookConfiguration and the MutatingWebhookConfiguration that are to trust the certificate")
	f.StringVar(&flags.Admission.ClientAuthorities, "admission-client-ca", "", "file of certificates in PEM: only who presents one of theirs is answered (default whoever asks)")
	f.StringSliceVar(&flags.Admission.ClientNames, "admission-client-names", nil, "common names that such a certificate may have, separated by commas (default any)")
	f.StringVar(&flags.Admission.CertificateDir, "admission-certificate-dir", "", "folder with tls.crt and tls.key to serve instead; API servers must trust them already (default one is made)")
	f.StringVar(&flags.StoragePath, "storage-path", os.TempDir(), "writable folder for git stores; its content may be lost")
	flags.gitLimits.bind(cmd, &flags.GitLimits)
	f.StringVar(&flags.Image, "image", defaultImage(), author.ImageUsage)
	f.StringVar(&flags.GitImage, "git-image", "", author.GitImageUsage)
	f.StringVar(&flags.jobDefaults, "job-defaults", "", "ConfigMap with defaults for all jobs, as NAMESPACE/NAME")
	f.StringVar(&flags.ReportURL, "report-url", "", "address of a page about a Run that reports link to where their Trigger gives none; in it {namespace}, {trigger}, {pipeline}, {run}, {uid} and {sha} stand for what they name (default no link)")
	f.StringVar(&flags.StoreURL, "store-url", "", author.StoreUsage+" (default there is none)")
	f.DurationVar(&flags.StoreWait, "store-wait", 0, "how long after a Run's end retention waits for the store to have what the Run leaves behind; 0 for not at all")
	f.IntVar(&flags.Concurrent, "concurrent", 4, "objects of a kind that are reconciled at once")
	f.BoolVar(&flags.LeaderElection, "leader-elect", true, "let one replica of many reconcile; every one receives webhooks")
	f.StringVar(&flags.LeaderElectionNamespace, "leader-election-namespace", "", "namespace of the Lease (default the pod's own)")
	f.DurationVar(&flags.GracefulShutdown, "graceful-shutdown", 20*time.Second, "how long requests in flight may take to end at a shutdown")
	flags.log.BindFlags(f)
	return cmd
}

func (flags *controllerFlags) run(ctx context.Context) error {
	limitMemory(flags.memoryLimit.Value(), render.DefaultMemory)
	paceGarbage(controllerGarbage())
	// Repositories of one host that were made together are not asked together.
	jitter.SetGlobalIntervalJitter(intervalJitter, nil)
	var err error
	if flags.RenderCommand, err = evaluateCommand(); err != nil {
		return err
	}
	if flags.Instance, err = os.Hostname(); err != nil {
		return fmt.Errorf("find this host's name: %w", err)
	}
	flags.GitProxy = environmentProxy
	flags.gitLimits.set(&flags.GitLimits)
	flags.Admission.Secret.Namespace, flags.Admission.Secret.Name, _ = strings.Cut(flags.admissionSecret, "/")
	flags.JobDefaults.Namespace, flags.JobDefaults.Name, _ = strings.Cut(flags.jobDefaults, "/")
	if flags.jobDefaults != "" && (flags.JobDefaults.Namespace == "" || flags.JobDefaults.Name == "") {
		return fmt.Errorf("--job-defaults: %q is no NAMESPACE/NAME", flags.jobDefaults)
	}
	if err := checkReportURL(flags.ReportURL); err != nil {
		return err
	}
	flags.WebhookMaxBytes = flags.maxBody.Value()
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	if err := controllers.AwaitKinds(ctx, cfg, controllers.KindsPatience); err != nil {
		return err
	}
	mgr, err := controllers.NewManager(cfg, flags.Options)
	if err != nil {
		return err
	}
	if err := mgr.Add(returned{mgr.GetCache()}); err != nil {
		return fmt.Errorf("set up the return of memory: %w", err)
	}
	b := buildInfo()
	if err := runtimemetrics.Registry.Register(b.metric()); err != nil {
		return fmt.Errorf("register the metric of this build: %w", err)
	}
	ctrl.Log.Info("starting", "version", b.Version, "revision", b.Revision, "go", b.Go, "memoryLimit", debug.SetMemoryLimit(-1))
	return mgr.Start(ctx)
}

// checkReportURL says of the address what a Trigger's is told. It doesn't repeat it, as
// that may have a password in it.
func checkReportURL(address string) error {
	if address == "" {
		return nil
	}
	if errs := validation.Page(address, nil); len(errs) > 0 {
		return fmt.Errorf("--report-url: %s", errs[0].ErrorBody())
	}
	return nil
}
