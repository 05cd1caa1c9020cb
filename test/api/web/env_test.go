// Package web_test tries the page against a real API server and etcd: what viewers of
// different rights see, and what they can't do.
package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/oidc"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/seal"
	"github.com/kayci/kayci/web/viewer"
)

const assetsVariable = "KUBEBUILDER_ASSETS"

// server is the one API server that the tests of this package share; each takes a
// namespace of its own. nil: there are no binaries to run one.
var server *rest.Config

// provider is whose ID tokens the API server takes.
var provider *oidc.Provider

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(assetsVariable) == "" {
		if os.Getenv("CI") == "true" {
			fmt.Fprintf(os.Stderr, "%s is not set: run `make test-api`, which builds the API server and sets it\n", assetsVariable)
			return 1
		}
		return m.Run()
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join("..", "..", "..", "charts", "kayci", "files", "crds")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	stop, err := trust(environment)
	if err != nil {
		fmt.Fprintf(os.Stderr, "start an OpenID Connect provider: %v\n", err)
		return 1
	}
	defer stop()
	cfg, err := environment.Start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "start an API server from %s: %v\n", os.Getenv(assetsVariable), err)
		return 1
	}
	cfg.QPS, cfg.Burst = -1, 0
	server = cfg
	code := m.Run()
	if err := environment.Stop(); err != nil {
		fmt.Fprintf(os.Stderr, "stop the API server: %v\n", err)
		return 1
	}
	return code
}

// trust has the API server take the tokens of a provider.
func trust(environment *envtest.Environment) (stop func(), err error) {
	if provider, err = oidc.New(clientID, clientSecret); err != nil {
		return nil, err
	}
	provider.As(oidc.Claims{"email": "pass@example.com"})
	file, err := os.CreateTemp("", "ca-*.crt")
	if err != nil {
		return nil, err
	}
	_, written := file.Write(provider.CA())
	environment.ControlPlane.GetAPIServer().Configure().
		Set("oidc-issuer-url", provider.URL).Set("oidc-client-id", clientID).
		Set("oidc-username-claim", "email").Set("oidc-ca-file", file.Name())
	return func() { provider.Close(); _ = os.Remove(file.Name()) }, errors.Join(written, file.Close())
}

// now is when all pages are looked at.
func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// site is a page, the API server behind it, and a namespace of the test's own.
type site struct {
	client    client.Client
	kube      kubernetes.Interface
	namespace string
	url       string
	log       *lines
	clock     *testclock.FakeClock
	// cookies that requests carry.
	cookies []*http.Cookie
}

// lines are what a page has logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(prefix, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(prefix + " " + args + "\n")
}

// String returns them all.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newSite starts a page for viewers who sign in with a token, and for those of a proxy.
func newSite(t *testing.T, change ...func(*web.Options)) *site {
	t.Helper()
	if server == nil {
		t.Skipf("%s is not set: run `make test-api`, which builds the API server and sets it", assetsVariable)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{log: &lines{}, clock: testclock.NewFakeClock(now())}
	var err error
	if s.client, err = client.New(server, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	if s.kube, err = kubernetes.NewForConfig(server); err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"}}
	s.create(t, namespace)
	s.namespace = namespace.Name
	s.url = s.serve(t, change...)
	return s
}

// serve starts another page before the same API server.
func (s *site) serve(t *testing.T, change ...func(*web.Options)) string {
	t.Helper()
	box, err := seal.New([]byte(strings.Repeat("k", seal.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	sessions := &viewer.Sessions{Clock: s.clock, Box: func() (*seal.Box, error) { return box, nil }}
	opts := web.Options{
		Config: server, Viewers: viewer.First{viewer.Header{}, sessions}, Sessions: sessions, TokenSignIn: true,
		Namespaces: []string{s.namespace, "kube-system"}, Clock: s.clock, Log: funcr.New(s.log.add, funcr.Options{}),
	}
	for _, change := range change {
		change(&opts)
	}
	handler, err := web.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(handler)
	t.Cleanup(page.Close)
	return page.URL
}

func (s *site) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := s.client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *site) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: s.namespace, Name: name}
}

// list reads all objects of the namespace, of several kinds.
func (s *site) list(t *testing.T, lists ...client.ObjectList) {
	t.Helper()
	for _, list := range lists {
		if err := s.client.List(t.Context(), list, client.InNamespace(s.namespace)); err != nil {
			t.Fatal(err)
		}
	}
}

// read reads the object.
func (s *site) read(t *testing.T, object client.Object) {
	t.Helper()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
}

// user makes an account of the test's namespace that has the rules there, and returns
// its token.
func (s *site) user(t *testing.T, name string, rules ...rbacv1.PolicyRule) string {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: s.namespace, Name: name}
	s.create(t, &corev1.ServiceAccount{ObjectMeta: meta})
	if len(rules) > 0 {
		s.create(t, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, &rbacv1.RoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: s.namespace, Name: name}},
		})
		s.await(t, name)
	}
	seconds := int64(3600)
	request, err := s.kube.CoreV1().ServiceAccounts(s.namespace).CreateToken(t.Context(), name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

func rule(group, resource string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}
}

// viewing is what the cluster's role `view` lets one read, as far as pages show it.
func viewing() []rbacv1.PolicyRule {
	reads := []string{"get", "list", "watch"}
	return []rbacv1.PolicyRule{
		rule(v1alpha1.Group, "runs", reads...), rule(v1alpha1.Group, "pipelines", reads...),
		rule(v1alpha1.Group, "triggers", reads...), rule(v1alpha1.Group, "configrepos", reads...),
		rule("", "pods", reads...), rule("", "pods/log", "get"), rule("", "events", reads...),
		rule("apps", "controllerrevisions", reads...),
	}
}

// eventually waits until check returns nil, and fails with its last error.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
