// Package certificate looks after the TLS of a webhook that every replica
// serves: one certificate in a Secret, renewed by whichever replica comes first,
// and trusted by API servers before it is served.
//
// Each certificate has an authority of its own, whose key is thrown away. Since
// a bundle of trusted authorities keeps the previous one, no call fails while
// replicas change over.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/requeue"
)

// settle is how long API servers get to learn of a new authority before it is
// relied on. They watch for it; it takes them milliseconds.
const settle = 5 * time.Second

// ErrNotReady says that there is no certificate to serve yet.
var ErrNotReady = errors.New("there is no certificate yet")

// Keeper keeps the certificate of one replica. Set every exported field.
type Keeper struct {
	// Host is the DNS name or IP address that API servers call.
	Host string
	// Secret holds the certificate. It is filled here, and made elsewhere.
	Secret types.NamespacedName
	// Configuration is the name of the ValidatingWebhookConfiguration and of the
	// MutatingWebhookConfiguration whose webhooks are told which authorities to trust.
	Configuration string
	// Clock tells the time.
	Clock clock.PassiveClock

	client client.Client // reads the API server, without a cache
	// pending authority of the next certificate, and since when it is trusted.
	// Reconcile alone uses them, which is never called twice at once.
	pending *x509.Certificate
	since   time.Time

	mu      sync.RWMutex
	current *pair
}

// GetCertificate is for a tls.Config. Without a certificate that API servers
// trust every handshake fails, and so does a probe that tries one.
func (k *Keeper) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := k.served(); current != nil {
		return &current.serving, nil
	}
	return nil, ErrNotReady
}

// Reconcile renews the certificate if that is due, has it trusted, and serves
// it.
func (k *Keeper) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	next, err := k.renew(ctx)
	if err != nil {
		// Another replica may have been faster.
		return requeue.Of(ctrl.Result{}, fmt.Errorf("keep the certificate in secret %s: %w", k.Secret, err))
	}
	trusted, err := k.inject(ctx, next)
	if err != nil {
		return requeue.Of(ctrl.Result{}, fmt.Errorf("have webhook configuration %s trust the certificate: %w", k.Configuration, err))
	}
	if wait := k.wait(next, trusted); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	k.serve(next)
	return ctrl.Result{RequeueAfter: next.renewal().Sub(k.Clock.Now())}, nil
}

// renew returns the certificate of the Secret, a new one if that is due.
func (k *Keeper) renew(ctx context.Context) (*pair, error) {
	var secret corev1.Secret
	if err := k.client.Get(ctx, k.Secret, &secret); err != nil {
		return nil, err
	}
	now := k.Clock.Now()
	found, err := parse(secret.Data, k.Host, now)
	if err == nil && now.Before(found.renewal()) {
		return found, nil
	}
	if err != nil {
		ctrl.LoggerFrom(ctx).Info("making a certificate", "host", k.Host, "because", err.Error())
	} else {
		ctrl.LoggerFrom(ctx).Info("renewing the certificate", "host", k.Host, "expires", found.serving.Leaf.NotAfter)
	}
	before := secret.DeepCopy()
	if secret.Data, err = generate(k.Host); err != nil {
		return nil, err
	}
	// Of two replicas that renew at once the second one gets a conflict.
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := k.client.Patch(ctx, &secret, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil {
		return nil, err
	}
	return parse(secret.Data, k.Host, now)
}

// inject has every webhook of the configurations trust the next certificate and
// the one that is served, and returns whether all of them did before.
func (k *Keeper) inject(ctx context.Context, next *pair) (bool, error) {
	needed := []*x509.Certificate{next.authority}
	if current := k.served(); current != nil && !current.authority.Equal(next.authority) {
		needed = append(needed, current.authority)
	}
	trusted := true
	for _, config := range configurations() {
		had, err := k.injectInto(ctx, config, needed)
		if err != nil {
			return false, err
		}
		trusted = trusted && had
	}
	return trusted, nil
}

// configurations are the kinds of objects that name webhooks.
func configurations() []client.Object {
	return []client.Object{
		&admissionregistrationv1.ValidatingWebhookConfiguration{},
		&admissionregistrationv1.MutatingWebhookConfiguration{},
	}
}

func (k *Keeper) injectInto(ctx context.Context, config client.Object, needed []*x509.Certificate) (trusted bool, err error) {
	if err := k.client.Get(ctx, client.ObjectKey{Name: k.Configuration}, config); err != nil {
		return false, err
	}
	before, ok := config.DeepCopyObject().(client.Object)
	if !ok {
		return false, errors.New("its copy is no object")
	}
	trusted = true
	for _, c := range clientConfigs(config) {
		bundle, had := trust(c.CABundle, needed, k.Clock.Now())
		c.CABundle = bundle
		trusted = trusted && had
	}
	if trusted {
		return true, nil
	}
	patch := client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{})
	return false, k.client.Patch(ctx, config, patch, client.FieldOwner(v1alpha1.FieldManager))
}

func clientConfigs(config client.Object) []*admissionregistrationv1.WebhookClientConfig {
	var found []*admissionregistrationv1.WebhookClientConfig
	switch c := config.(type) {
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range c.Webhooks {
			found = append(found, &c.Webhooks[i].ClientConfig)
		}
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range c.Webhooks {
			found = append(found, &c.Webhooks[i].ClientConfig)
		}
	}
	return found
}

// wait returns how long the next certificate is still to be held back. Another
// replica may just have had it trusted, so every replica counts from when it
// has seen that. One that serves nothing has nothing better to serve.
func (k *Keeper) wait(next *pair, trusted bool) time.Duration {
	current := k.served()
	if current == nil || current.authority.Equal(next.authority) {
		return 0
	}
	now := k.Clock.Now()
	if !trusted || k.pending == nil || !k.pending.Equal(next.authority) {
		k.pending, k.since = next.authority, now
	}
	return k.since.Add(settle).Sub(now)
}

func (k *Keeper) served() *pair {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.current
}

func (k *Keeper) serve(next *pair) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = next
}
