package web

import (
	"errors"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	store "github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/web/viewer"
)

// cluster is the API server. Each request goes as the viewer of its context, over
// connections that all of them share.
type cluster struct {
	client client.WithWatch
	kube   kubernetes.Interface
	// kept is the store of Runs beyond their deletion. nil: there is none.
	kept *store.Store
}

// newCluster takes from the configuration where the API server is, and unless the page
// is a person's own not who asks.
func newCluster(opts Options) (*cluster, error) {
	config := opts.Config
	if !opts.Local {
		config = rest.AnonymousClientConfig(config)
	}
	config = rest.CopyConfig(config)
	// The API server bounds what each user asks for.
	config.QPS = -1
	config.Wrap(store.Header)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return viewer.Transport(opts.OwnToken, next) })
	// A warning is for who wrote the object, and would be logged for each look at it.
	config.WarningHandler = rest.NoWarnings{}
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the API server: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	c, err := clientsOf(config, transport, scheme)
	if err != nil {
		return nil, err
	}
	if c.kept = opts.Kept; opts.Store.Name != "" {
		c.kept, err = store.NewForClient(config, transport, store.At(opts.Store))
	}
	return c, err
}

func clientsOf(config *rest.Config, transport *http.Client, scheme *runtime.Scheme) (*cluster, error) {
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme, HTTPClient: transport, Mapper: mapper()})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	kube, err := kubernetes.NewForConfigAndClient(config, transport)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &cluster{client: c, kube: kube}, nil
}

// mapper knows the resources of all kinds that the page reads or writes. To ask for
// them would be a request that no viewer has made.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{v1alpha1.RunKind, v1alpha1.PipelineKind, v1alpha1.TriggerKind, v1alpha1.ConfigRepoKind} {
		m.Add(v1alpha1.GroupVersion().WithKind(kind), meta.RESTScopeNamespace)
	}
	m.Add(appsv1.SchemeGroupVersion.WithKind("ControllerRevision"), meta.RESTScopeNamespace)
	m.Add(batchv1.SchemeGroupVersion.WithKind("Job"), meta.RESTScopeNamespace)
	m.Add(corev1.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
	m.Add(corev1.SchemeGroupVersion.WithKind("Event"), meta.RESTScopeNamespace)
	m.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	return m
}
