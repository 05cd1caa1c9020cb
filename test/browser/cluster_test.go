package browser

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/web"
	"github.com/kayci/kayci/web/seal"
	"github.com/kayci/kayci/web/viewer"
)

// apiServer is the one that the tests share; each takes a namespace of its own. nil: there
// are no binaries to run one.
var apiServer *rest.Config

const assetsVariable = "KUBEBUILDER_ASSETS"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	if os.Getenv(assetsVariable) == "" {
		return m.Run()
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join("..", "..", "charts", "kayci", "files", "crds")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "start an API server from %s: %v\n", os.Getenv(assetsVariable), err)
		return 1
	}
	config.QPS, config.Burst = -1, 0
	apiServer = config
	code := m.Run()
	if err := environment.Stop(); err != nil {
		fmt.Fprintf(os.Stderr, "stop the API server: %v\n", err)
		return 1
	}
	return code
}

// place is the real page, the API server behind it, and a namespace.
type place struct {
	client.Client

	namespace, url string
}

// newPlace starts the page for viewers who sign in. It asks the API server, or what stands
// before it.
func newPlace(t *testing.T, namespace string, now clock.WithTicker, before ...func(*testing.T) *rest.Config) *place {
	t.Helper()
	if apiServer == nil {
		unless(t, assetsVariable, "builds the API server and sets it")
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := client.New(apiServer, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New([]byte(strings.Repeat("k", seal.MinKey)))
	if err != nil {
		t.Fatal(err)
	}
	sessions := &viewer.Sessions{Clock: now, Box: func() (*seal.Box, error) { return box, nil }}
	config := apiServer
	for _, before := range before {
		config = before(t)
	}
	handler, err := web.New(web.Options{
		Config: config, Viewers: sessions, Sessions: sessions, TokenSignIn: true, Namespaces: []string{namespace}, Clock: now, Log: logr.Discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	p := &place{Client: cluster, namespace: namespace, url: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
	p.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	return p
}

// unless skips a test for want of a variable, which must not be wanting in CI.
func unless(t *testing.T, variable, what string) {
	t.Helper()
	why := fmt.Sprintf("%s is not set: run `make test-browser`, which %s", variable, what)
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func (p *place) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := p.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *place) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: p.namespace, Name: name}
}

// looks is what one may do who may look, and acts what one may do besides.
func looks() []rbacv1.PolicyRule {
	reads := []string{"get", "list", "watch"}
	return []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.Group}, Resources: []string{"runs", "pipelines", "triggers", "configrepos"}, Verbs: reads},
		{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: reads},
		{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
		{APIGroups: []string{"apps"}, Resources: []string{"controllerrevisions"}, Verbs: reads},
	}
}

func acts() []rbacv1.PolicyRule {
	return append(looks(),
		rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{"runs"}, Verbs: []string{"create", "patch", "approve"}},
		rbacv1.PolicyRule{APIGroups: []string{v1alpha1.Group}, Resources: []string{"configrepos"}, Verbs: []string{"patch"}},
	)
}

// token of an account that has the rules in the namespace.
func (p *place) token(t *testing.T, name string, rules []rbacv1.PolicyRule) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: p.meta(name)}
	p.create(t, account, &rbacv1.Role{ObjectMeta: p.meta(name), Rules: rules}, &rbacv1.RoleBinding{
		ObjectMeta: p.meta(name), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: p.namespace, Name: name}},
	})
	request := &authenticationv1.TokenRequest{}
	if err := p.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}
