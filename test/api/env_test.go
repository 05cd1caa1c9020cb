// Package api_test tries KayCI against a real API server and etcd. There is no
// controller manager and no kubelet, so owners' deletions are not followed and
// no pod runs.
package api_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/render"
)

const assetsVariable = "KUBEBUILDER_ASSETS"

// server is the one API server that the tests of this package share; each takes
// a namespace of its own. nil: there are no binaries to run one.
var server *rest.Config

// evaluateArgument has this test binary act as the process that evaluates files.
const evaluateArgument = "evaluate"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == evaluateArgument {
		if err := render.EvaluateCommand(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Failures are told by tests; the logs of controllers would drown them.
	log.SetLogger(logr.Discard())
	if os.Getenv(assetsVariable) == "" {
		if os.Getenv("CI") == "true" {
			fmt.Fprintf(os.Stderr, "%s is not set: run `make test-api`, which builds the API server and sets it\n", assetsVariable)
			return 1
		}
		return m.Run()
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join("..", "..", "charts", "kayci", "files", "crds")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
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

// serverConfig returns how to reach the API server, or skips the test.
func serverConfig(t *testing.T) *rest.Config {
	t.Helper()
	if server == nil {
		t.Skipf("%s is not set: run `make test-api`, which builds the API server and sets it", assetsVariable)
	}
	return rest.CopyConfig(server)
}

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// newClient returns a client without a cache.
func newClient(t *testing.T, cfg *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(cfg, client.Options{Scheme: newScheme(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newNamespace makes a namespace for one test.
func newNamespace(t *testing.T, c client.Client) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// startManager runs controllers, which see one namespace, until the test ends or they
// are stopped.
func startManager(t *testing.T, cfg *rest.Config, namespace string, setup func(ctrl.Manager) error) (stop func()) {
	t.Helper()
	unique := true
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  newScheme(t),
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultTransform:  cache.TransformStripManagedFields(),
			DefaultNamespaces: map[string]cache.Config{namespace: {}},
		},
		Client: client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
		Controller: config.Controller{SkipNameValidation: &unique},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := setup(mgr); err != nil {
		t.Fatal(err)
	}
	return runManager(t, mgr)
}

// runManager runs the manager until the test ends or it is stopped.
func runManager(t *testing.T, mgr ctrl.Manager) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = stdsync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// eventually waits until check returns nil, and fails with its last error.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	const deadline = 30 * time.Second
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, deadline, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, deadline, last)
	}
}

// writeLog records the requests of a client that change something and, apart
// from them, those that read past the cache.
type writeLog struct {
	mu           stdsync.Mutex
	lines, reads []string
}

// watchWrites makes every client of the configuration report to the log.
func watchWrites(cfg *rest.Config) *writeLog {
	l := &writeLog{}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			l.note(r)
			return next.RoundTrip(r)
		})
	})
	return l
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (l *writeLog) note(r *http.Request) {
	if query := r.URL.Query(); query.Has("dryRun") || query.Has("watch") {
		return
	}
	_, object, namespaced := strings.Cut(r.URL.Path, "/namespaces/")
	if !namespaced {
		object = r.URL.Path
	}
	_, object, _ = strings.Cut(object, "/")
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Method == http.MethodGet {
		l.reads = append(l.reads, object)
		return
	}
	l.lines = append(l.lines, r.Method+" "+object)
}

// take returns what was written since the last call.
func (l *writeLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := slices.Clone(l.lines)
	l.lines = nil
	return lines
}

// takeReads returns what was read past the cache since the last call.
func (l *writeLog) takeReads() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	reads := slices.Clone(l.reads)
	l.reads = nil
	return reads
}
