package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/client"
)

const (
	// announced stands for the store that the cluster's administrators announce.
	announced = "auto"
	// announcement is the ConfigMap in kube-public by which they do, and announcedStore its
	// key. Nobody else may write there: a person's token is sent to no Service that a tenant
	// has made.
	announcement, announcedStore = "kayci", "store"
)

// Store returns what is kept of Runs beyond their deletion, or nil where nobody is to be
// asked.
func (c *Cluster) Store() (*client.Store, error) {
	if c.kept != nil || c.store == "" {
		return c.kept, nil
	}
	config, err := c.Config()
	if err != nil {
		return nil, err
	}
	c.kept, err = c.newStore(config)
	return c.kept, err
}

func (c *Cluster) newStore(config *rest.Config) (*client.Store, error) {
	kube, err := c.Kube()
	if err != nil {
		return nil, err
	}
	locate := (&announcing{kube: kube}).locate
	if c.store != announced {
		service, err := serviceOf(c.store)
		if err != nil {
			return nil, usage("--store is %w", err)
		}
		locate = client.At(service)
	}
	config = rest.CopyConfig(config)
	lent := &lent{kube: kube, locate: locate}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return lending{lent, next} })
	return client.New(config, locate)
}

func serviceOf(text string) (types.NamespacedName, error) {
	namespace, name, is := strings.Cut(text, "/")
	if !is || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Label(name)) > 0 {
		return types.NamespacedName{}, fmt.Errorf("%.100q: it takes NAMESPACE/SERVICE", text)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

// announcing finds the store that the administrators announce.
type announcing struct {
	kube kubernetes.Interface

	mu    sync.Mutex
	store types.NamespacedName
	err   error
	// until is how long what is known counts.
	until time.Time
}

// current is how long it counts where the store is, and that there is none: a page that
// stays open learns of another.
const current = time.Minute

// errNoStore says how a store is announced.
var errNoStore = fmt.Errorf("%w: the ConfigMap %s/%s announces none, or not to you; --store names one", client.ErrNotStored, metav1.NamespacePublic, announcement)

func (a *announcing) locate(ctx context.Context) (types.NamespacedName, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().Before(a.until) {
		return a.store, a.err
	}
	a.store, a.err = types.NamespacedName{}, nil
	found, err := a.kube.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, announcement, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		a.err = errNoStore
	case err != nil:
		// It is asked again.
		return a.store, fmt.Errorf("find the store: %w", err)
	case found.Data[announcedStore] == "":
		a.err = errNoStore
	default:
		if a.store, err = serviceOf(found.Data[announcedStore]); err != nil {
			a.err = fmt.Errorf("the store that the ConfigMap %s/%s announces is %w", metav1.NamespacePublic, announcement, err)
		}
	}
	a.until = time.Now().Add(current)
	return a.store, a.err
}

// pods reads logs, from the nodes or where they are kept.
func (e *Env) pods(kube kubernetes.Interface) (*logs.Pods, error) {
	store, err := e.Cluster.Store()
	if err != nil {
		return nil, err
	}
	pods := &logs.Pods{Client: kube.CoreV1()}
	if store != nil {
		pods.Kept = store
	}
	return pods, nil
}

// lent gets a token for a person who shows API servers a certificate, which can't be
// passed on: one of the store's own account, if the person may have it.
type lent struct {
	kube   kubernetes.Interface
	locate client.Locate

	mu    sync.Mutex
	token string
	until time.Time
}

type lending struct {
	*lent

	next http.RoundTripper
}

// errForOther is of a person who acts for another, by a certificate.
var errForOther = fmt.Errorf("%w: it sees no certificate, and with --as another's account is lent to nobody", client.ErrNotStored)

// RoundTrip adds the token for the store, where the API server is shown none. It takes the
// certificate, and with a token beside it no other identity. The account that the token is
// of may act for nobody.
func (l lending) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") != "" {
		return l.next.RoundTrip(r)
	}
	if r.Header.Get(authenticationv1.ImpersonateUserHeader) != "" {
		return nil, errForOther
	}
	token, err := l.get(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set(client.TokenHeader, "Bearer "+token)
	return l.next.RoundTrip(r)
}

// lease is for how long the token is good: the least that API servers give. A new one is
// got when half of that is over.
const lease = 10 * time.Minute

func (l *lent) get(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token != "" && time.Now().Before(l.until) {
		return l.token, nil
	}
	account, err := l.locate(ctx)
	if err != nil {
		return "", err
	}
	asked := time.Now()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(lease.Seconds()))}}
	made, err := l.kube.CoreV1().ServiceAccounts(account.Namespace).CreateToken(ctx, account.Name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("your kubeconfig has a certificate, which the store can't see, and no token of its account %s is to be had: %w", account, err)
	}
	l.token, l.until = made.Status.Token, asked.Add(lease/2)
	return l.token, nil
}
