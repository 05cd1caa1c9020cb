package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/client"
)

// usualStore is the store of an installation as the README has it.
const usualStore = "kayci/kayci-store"

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
	namespace, name, is := strings.Cut(c.store, "/")
	if !is || namespace == "" || name == "" {
		return nil, usage("--store is %q: it takes NAMESPACE/SERVICE", c.store)
	}
	service := types.NamespacedName{Namespace: namespace, Name: name}
	kube, err := c.Kube()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	lent := &lent{kube: kube, service: service}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return lending{lent, next} })
	return client.New(config, service)
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
	kube    kubernetes.Interface
	service types.NamespacedName

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
	asked := time.Now()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(lease.Seconds()))}}
	made, err := l.kube.CoreV1().ServiceAccounts(l.service.Namespace).CreateToken(ctx, l.service.Name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("your kubeconfig has a certificate, which the store can't see, and no token of its account %s is to be had: %w", l.service, err)
	}
	l.token, l.until = made.Status.Token, asked.Add(lease/2)
	return l.token, nil
}
