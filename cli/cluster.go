package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/pflag"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	store "github.com/kayci/kayci/store/client"
)

// dialTimeout is how long an API server may take to answer the phone. client-go's own
// is half a minute, which is long before an empty screen.
const dialTimeout = 10 * time.Second

// shown are the flags of the connection that a command's help lists. The others are
// there under kubectl's names.
const shown = "context namespace kubeconfig as store"

// Cluster is the API server that the person's kubeconfig leads to. Nothing is read
// and nobody is called before a command asks.
type Cluster struct {
	userAgent string
	warnings  io.Writer
	// store is the Service of the store, as NAMESPACE/NAME, or announced. Blank: nobody is
	// asked.
	store string
	kept  *store.Store

	// kubeconfig takes the place of the person's files, if it isn't nil.
	kubeconfig *clientcmdapi.Config

	rules     clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
	config    *rest.Config
	client    client.WithWatch
	kube      kubernetes.Interface
}

// AddFlags adds the flags that say which cluster, namespace and user are meant, by
// the names that kubectl gives them.
func (c *Cluster) AddFlags(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("cluster", pflag.ContinueOnError)
	own.StringVar(&c.rules.ExplicitPath, clientcmd.RecommendedConfigPathFlag, "", "kubeconfig file (default $KUBECONFIG, or ~/.kube/config)")
	own.StringVar(&c.store, "store", c.store, "Service of the store that keeps Runs beyond their deletion, as NAMESPACE/SERVICE; auto for that which the ConfigMap kube-public/kayci names, blank for none (default $KAYCI_STORE, or auto)")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace.Description = "namespace (default the context's)"
	names.CurrentContext.Description = "context of the kubeconfig (default its current one)"
	names.AuthOverrideFlags.Impersonate.Description = "user to act for; --as-group and --as-uid go with it"
	clientcmd.BindOverrideFlags(&c.overrides, own, names)
	own.VisitAll(func(flag *pflag.Flag) {
		flag.Hidden = !contains(shown, flag.Name)
		flags.AddFlag(flag)
	})
}

func (c *Cluster) loader() clientcmd.ClientConfig {
	if c.kubeconfig != nil {
		return clientcmd.NewDefaultClientConfig(*c.kubeconfig, &c.overrides)
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.rules.ExplicitPath
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &c.overrides)
}

// Namespace returns what --namespace says, or else the context.
func (c *Cluster) Namespace() (string, error) {
	namespace, _, err := c.loader().Namespace()
	if err != nil {
		return "", unread(err)
	}
	return namespace, nil
}

// Config returns how the API server is reached. The client limits nothing: the API
// server does, per user.
func (c *Cluster) Config() (*rest.Config, error) {
	if c.config != nil {
		return c.config, nil
	}
	config, err := c.loader().ClientConfig()
	if err != nil {
		return nil, unread(err)
	}
	config.UserAgent = c.userAgent
	config.QPS = -1
	config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	config.WarningHandler = rest.NewWarningWriter(c.warnings, rest.WarningWriterOptions{Deduplicate: true})
	c.config = config
	return config, nil
}

// unread says why the kubeconfig leads nowhere.
func unread(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return usage("there is no kubeconfig: name one by --kubeconfig or KUBECONFIG, or put it at ~/.kube/config")
	}
	return usage("read the kubeconfig: %w (`kubectl config get-contexts` lists the contexts that there are)", err)
}

// Client returns a client without a cache: what it reads is what the API server says.
// The kinds' resources are known beforehand, so no request is made to find them.
func (c *Cluster) Client() (client.WithWatch, error) {
	if c.client != nil {
		return c.client, nil
	}
	config, err := c.Config()
	if err != nil {
		return nil, err
	}
	known, err := scheme()
	if err != nil {
		return nil, err
	}
	c.client, err = client.NewWithWatch(config, client.Options{Scheme: known, Mapper: mapper(known)})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c.client, nil
}

// Kube returns client-go's client, which is for logs.
func (c *Cluster) Kube() (kubernetes.Interface, error) {
	if c.kube != nil {
		return c.kube, nil
	}
	config, err := c.Config()
	if err != nil {
		return nil, err
	}
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	c.kube = clientset
	return clientset, nil
}

func scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(s), apiextensionsv1.AddToScheme(s), v1alpha1.AddToScheme(s))
	if err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	return s, nil
}
