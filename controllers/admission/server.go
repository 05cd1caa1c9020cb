package admission

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	ctrladmission "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/admission/certificate"
	"github.com/kayci/kayci/controllers/turn"
)

// The paths that the API server is told to ask: one for each kind, and two for
// requests that approve a job of a Run.
const (
	ConfigRepoPath = "/validate-kayci-dev-v1alpha1-configrepo"
	PipelinePath   = "/validate-kayci-dev-v1alpha1-pipeline"
	TriggerPath    = "/validate-kayci-dev-v1alpha1-trigger"
	RunPath        = "/validate-kayci-dev-v1alpha1-run"
	ApprovalPath   = "/validate-kayci-dev-v1alpha1-approval"
	StampPath      = "/mutate-kayci-dev-v1alpha1-approval"
)

// answerWithin bounds one answer. The API server waits a little longer, so that
// it hears what took the time.
const answerWithin = 4 * time.Second

// Options say where the webhook is served and what it is trusted by.
type Options struct {
	// Address to listen on, as in net.Listen. Empty or "0": there is no webhook.
	Address string
	// Host is the DNS name or IP address that API servers call.
	Host string
	// Secret holds the certificate, and exists: its content is made here.
	Secret types.NamespacedName
	// Configuration is the name of the ValidatingWebhookConfiguration and the
	// MutatingWebhookConfiguration that lead here, and are told which certificate to
	// trust.
	Configuration string
	// ClientAuthorities is a file of certificates in PEM. Only who presents a
	// certificate of theirs is answered: API servers that are told to. Empty: whoever
	// reaches the address.
	ClientAuthorities string
	// ClientNames are the common names that such a certificate may have. Empty: any.
	ClientNames []string
	// CertificateDir is a folder with the certificate to serve, as tls.crt and
	// tls.key, which are read again when they change. With it nothing is made here:
	// Host, Secret and Configuration aren't used, and somebody else has API servers
	// trust it.
	CertificateDir string
}

// Enabled reports whether there is to be a webhook.
func (o Options) Enabled() bool { return o.Address != "" && o.Address != "0" }

func (o Options) endpoint() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(o.Address)
	if err != nil {
		return "", 0, fmt.Errorf("admission address: %w", err)
	}
	// The library takes port 0 for its own default.
	if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("admission address %s needs a port", o.Address)
	}
	if o.CertificateDir != "" {
		return host, port, nil
	}
	if o.Host == "" || o.Secret.Name == "" || o.Secret.Namespace == "" || o.Configuration == "" {
		return "", 0, fmt.Errorf("admission at %s needs a host, a secret and a webhook configuration", o.Address)
	}
	return host, port, nil
}

// SetupWithManager has every replica serve the webhook, and be ready only when
// it does.
func SetupWithManager(mgr ctrl.Manager, opts Options) error {
	host, port, err := opts.endpoint()
	if err != nil {
		return err
	}
	certify, err := opts.certificates(mgr)
	if err != nil {
		return err
	}
	secure := []func(*tls.Config){certify, func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS13
		c.NextProtos = []string{"http/1.1"}
	}}
	if opts.ClientAuthorities != "" {
		require, err := requireClient(opts.ClientAuthorities, opts.ClientNames)
		if err != nil {
			return err
		}
		secure = append(secure, require)
	}
	server := webhook.NewServer(webhook.Options{Host: host, Port: port, CertDir: opts.CertificateDir, TLSOpts: secure})
	scheme, turns := mgr.GetScheme(), &turn.Turns{}
	reviewer := runs{cached: mgr.GetClient(), live: mgr.GetAPIReader(), access: access{mgr.GetClient()}}
	for path, handler := range map[string]http.Handler{
		ConfigRepoPath: ctrladmission.WithValidator(scheme, configRepos(turns)),
		PipelinePath:   ctrladmission.WithValidator(scheme, pipelines(turns)),
		TriggerPath:    ctrladmission.WithValidator(scheme, triggers(turns)),
		RunPath:        ctrladmission.WithValidator[*v1alpha1.Run](scheme, reviewer),
		ApprovalPath:   ctrladmission.WithValidator[*v1alpha1.Run](scheme, approvals(reviewer)),
		StampPath:      &ctrladmission.Webhook{Handler: stamp{clock.RealClock{}}},
	} {
		server.Register(path, http.TimeoutHandler(handler, answerWithin, "KayCI did not decide in time"))
	}
	if err := mgr.Add(server); err != nil {
		return fmt.Errorf("add the admission webhook: %w", err)
	}
	return mgr.AddReadyzCheck("admission", server.StartedChecker())
}

// certificates says what is served: what a Keeper looks after, or else what the
// server itself reads from the folder.
func (o Options) certificates(mgr ctrl.Manager) (func(*tls.Config), error) {
	if o.CertificateDir != "" {
		return func(*tls.Config) {}, nil
	}
	keeper := &certificate.Keeper{
		Host:          o.Host,
		Secret:        o.Secret,
		Configuration: o.Configuration,
		Clock:         clock.RealClock{},
	}
	if err := keeper.SetupWithManager(mgr); err != nil {
		return nil, err
	}
	return func(c *tls.Config) { c.GetCertificate = keeper.GetCertificate }, nil
}
