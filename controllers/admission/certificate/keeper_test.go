package certificate

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/cert"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const host = "kayci-admission.kayci.svc"

// world is an API server that counts writes, and replicas that share it.
type world struct {
	client client.Client
	clock  *clocktesting.FakePassiveClock
	writes []string
}

func newWorld(t *testing.T, data map[string][]byte) *world {
	t.Helper()
	w := &world{clock: clocktesting.NewFakePassiveClock(time.Now())}
	w.client = fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kayci", Name: "tls"}, Data: data},
		&admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "kayci"},
			Webhooks:   []admissionregistrationv1.ValidatingWebhook{{Name: "a.kayci.dev"}, {Name: "b.kayci.dev"}},
		},
		&admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: "kayci"},
			Webhooks:   []admissionregistrationv1.MutatingWebhook{{Name: "c.kayci.dev"}},
		},
	).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			err := c.Patch(ctx, obj, patch, opts...)
			if err == nil {
				w.writes = append(w.writes, fmt.Sprintf("%T", obj))
			}
			return err
		},
	}).Build()
	return w
}

func (w *world) replica() *Keeper {
	return &Keeper{
		Host: host, Secret: types.NamespacedName{Namespace: "kayci", Name: "tls"}, Configuration: "kayci",
		Clock: w.clock, client: w.client,
	}
}

func (w *world) wrote() []string {
	writes := w.writes
	w.writes = nil
	return writes
}

func (w *world) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	var secret corev1.Secret
	if err := w.client.Get(t.Context(), client.ObjectKey{Namespace: "kayci", Name: "tls"}, &secret); err != nil {
		t.Fatal(err)
	}
	return &secret
}

func (w *world) put(t *testing.T, data map[string][]byte) {
	t.Helper()
	secret := w.secret(t)
	secret.Data = data
	if err := w.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

// bundles are what API servers trust, one for each webhook.
func (w *world) bundles(t *testing.T) [][]byte {
	t.Helper()
	var bundles [][]byte
	for _, config := range w.configurations(t) {
		for _, c := range clientConfigs(config) {
			bundles = append(bundles, c.CABundle)
		}
	}
	if len(bundles) != 3 {
		t.Fatalf("found the bundles of %d webhooks, want 3", len(bundles))
	}
	return bundles
}

func (w *world) configurations(t *testing.T) []client.Object {
	t.Helper()
	all := configurations()
	for _, config := range all {
		if err := w.client.Get(t.Context(), client.ObjectKey{Name: "kayci"}, config); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (w *world) forgetBundles(t *testing.T) {
	t.Helper()
	for _, config := range w.configurations(t) {
		for _, c := range clientConfigs(config) {
			c.CABundle = nil
		}
		if err := w.client.Update(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
}

// reach fails unless an API server that calls the replica now trusts it.
func (w *world) reach(t *testing.T, k *Keeper, when string) {
	t.Helper()
	serving, err := k.GetCertificate(nil)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	for _, bundle := range w.bundles(t) {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(bundle)
		if _, err := serving.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: w.clock.Now()}); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
	}
}

func (w *world) reconcile(t *testing.T, k *Keeper) ctrl.Result {
	t.Helper()
	result, err := k.Reconcile(t.Context(), ctrl.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

const (
	wroteSecret     = "*v1.Secret"
	wroteValidating = "*v1.ValidatingWebhookConfiguration"
	wroteMutating   = "*v1.MutatingWebhookConfiguration"
)

func TestTheFirstReplicaMakesTheCertificateOfAll(t *testing.T) {
	w := newWorld(t, nil)
	first, second := w.replica(), w.replica()
	if _, err := first.GetCertificate(nil); err == nil {
		t.Error("a replica serves a certificate that it can't have")
	}
	result := w.reconcile(t, first)
	if diff := cmp.Diff([]string{wroteSecret, wroteValidating, wroteMutating}, w.wrote()); diff != "" {
		t.Errorf("writes of the first replica (-want +got):\n%s", diff)
	}
	if days := result.RequeueAfter.Hours() / 24; days < 59 || days > 61 {
		t.Errorf("the certificate is renewed after %.1f days, expected 60", days)
	}
	w.reconcile(t, second)
	w.reconcile(t, first)
	if wrote := w.wrote(); len(wrote) > 0 {
		t.Errorf("writes where nothing had changed: %v", wrote)
	}
	w.reach(t, first, "first replica")
	w.reach(t, second, "second replica")
	if !first.served().authority.Equal(second.served().authority) {
		t.Error("the replicas serve certificates of different authorities")
	}
}

// A renewed certificate is served when API servers had the time to trust it.
func TestRenewal(t *testing.T) {
	old := short(t)
	w := newWorld(t, old)
	first, second := w.replica(), w.replica()
	w.reconcile(t, first)
	w.reconcile(t, second)
	w.wrote()
	before := first.served()

	w.clock.SetTime(before.renewal().Add(time.Second))
	result := w.reconcile(t, first)
	if diff := cmp.Diff([]string{wroteSecret, wroteValidating, wroteMutating}, w.wrote()); diff != "" {
		t.Errorf("writes of a renewal (-want +got):\n%s", diff)
	}
	if result.RequeueAfter != settle || first.served() != before {
		t.Errorf("a certificate is served %s before API servers trust it", result.RequeueAfter)
	}
	w.reach(t, first, "first replica, after the renewal")
	w.reach(t, second, "second replica, after the renewal of the first")
	w.reconcile(t, second)
	w.clock.SetTime(w.clock.Now().Add(settle - time.Second))
	for _, k := range []*Keeper{first, second} {
		if result := w.reconcile(t, k); result.RequeueAfter != time.Second || !k.served().authority.Equal(before.authority) {
			t.Errorf("a second too early, the new certificate is served or awaited for another %s", result.RequeueAfter)
		}
	}
	w.clock.SetTime(w.clock.Now().Add(time.Second))
	w.reconcile(t, second)
	w.reconcile(t, first)
	w.reach(t, first, "first replica, with the new certificate")
	w.reach(t, second, "second replica, with the new certificate")
	if first.served() == before || !first.served().authority.Equal(second.served().authority) {
		t.Error("the replicas don't serve the new certificate")
	}
	if wrote := w.wrote(); len(wrote) > 0 {
		t.Errorf("writes after the renewal: %v", wrote)
	}
}

func TestWhatIsRenewed(t *testing.T) {
	foreign, err := generate("other.kayci.svc")
	if err != nil {
		t.Fatal(err)
	}
	good := short(t)
	mixed := maps.Clone(good)
	mixed[corev1.TLSPrivateKeyKey] = foreign[corev1.TLSPrivateKeyKey]
	for name, tc := range map[string]struct {
		data  map[string][]byte
		after time.Duration
		want  []string
	}{
		"none":           {nil, 0, []string{wroteSecret, wroteValidating, wroteMutating}},
		"a good one":     {good, 0, []string{wroteValidating, wroteMutating}},
		"one that ends":  {good, time.Hour, []string{wroteSecret, wroteValidating, wroteMutating}},
		"an expired one": {good, 3 * time.Hour, []string{wroteSecret, wroteValidating, wroteMutating}},
		"another host's": {foreign, 0, []string{wroteSecret, wroteValidating, wroteMutating}},
		"another's key":  {mixed, 0, []string{wroteSecret, wroteValidating, wroteMutating}},
		"garbage":        {map[string][]byte{corev1.TLSCertKey: []byte("x"), corev1.TLSPrivateKeyKey: []byte("y")}, 0, []string{wroteSecret, wroteValidating, wroteMutating}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.data)
			w.clock.SetTime(w.clock.Now().Add(tc.after))
			k := w.replica()
			w.reconcile(t, k)
			if diff := cmp.Diff(tc.want, w.wrote()); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
			w.reach(t, k, "afterwards")
		})
	}
}

func TestTheConfigurationIsRepaired(t *testing.T) {
	w := newWorld(t, nil)
	k := w.replica()
	w.reconcile(t, k)
	w.wrote()
	w.forgetBundles(t)
	w.reconcile(t, k)
	if diff := cmp.Diff([]string{wroteValidating, wroteMutating}, w.wrote()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	w.reach(t, k, "after the repair")
}

// Whatever the order of replicas and renewals, none ever serves what API
// servers don't trust.
func TestNoReplicaIsEverDistrusted(t *testing.T) {
	made := []map[string][]byte{short(t), short(t), short(t), short(t)}
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a failure can be repeated
			w := newWorld(t, made[0])
			replicas := []*Keeper{w.replica(), w.replica(), w.replica()}
			for step := range 30 {
				if random.IntN(10) == 0 {
					w.put(t, made[random.IntN(len(made))]) // another replica renews it
				}
				w.clock.SetTime(w.clock.Now().Add(time.Duration(random.IntN(4)) * time.Second))
				w.reconcile(t, replicas[random.IntN(len(replicas))])
				for i, k := range replicas {
					if k.served() != nil {
						w.reach(t, k, fmt.Sprintf("replica %d, after step %d", i, step))
					}
				}
			}
		})
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		gone client.Object
		want string
	}{
		"secret":        {&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kayci", Name: "tls"}}, "secret kayci/tls"},
		"configuration": {&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "kayci"}}, "webhook configuration kayci"},
		"mutating one":  {&admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "kayci"}}, "webhook configuration kayci"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			if err := w.client.Delete(t.Context(), tc.gone); err != nil {
				t.Fatal(err)
			}
			k := w.replica()
			_, err := k.Reconcile(t.Context(), ctrl.Request{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
			if k.served() != nil {
				t.Error("a certificate is served that nobody trusts")
			}
		})
	}
}

// short returns a certificate that is to be renewed in 20 minutes and expires in
// an hour.
func short(t *testing.T) map[string][]byte {
	t.Helper()
	chain, key, err := cert.GenerateSelfSignedCertKeyWithOptions(cert.SelfSignedCertKeyOptions{Host: host, MaxAge: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: key}
}
