package chart_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	chartFolder      = "../../charts/kayci"
	release          = "kayci"
	releaseNamespace = "ci"
)

// server is a real API server, and helm to talk to it.
type server struct {
	client     client.Client
	config     *rest.Config
	program    string
	kubeconfig string
	version    string
}

// startServer starts an API server that knows the given CRDs. Where there is
// none to start, the test is skipped, but for CI.
func startServer(t *testing.T, crds ...string) *server {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test-chart`")
		}
		t.Skip("KUBEBUILDER_ASSETS is not set: run `make test-chart`")
	}
	ctrl.SetLogger(logr.Discard())
	env := &envtest.Environment{
		CRDDirectoryPaths: crds, ErrorIfCRDPathMissing: true,
		CRDInstallOptions: envtest.CRDInstallOptions{MaxTime: time.Minute}, // on a busy machine 10 s are few
	}
	cfg, err := env.Start()
	if err != nil {
		t.Fatalf("start an API server: %v", err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
	})
	s := &server{program: helm3, config: cfg, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	if s.client, err = client.New(cfg, client.Options{}); err != nil {
		t.Fatal(err)
	}
	s.client = client.WithFieldValidation(s.client, metav1.FieldValidationStrict)
	s.version = serverVersion(t, cfg)
	if err := os.WriteFile(s.kubeconfig, env.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	s.namespaces(t, releaseNamespace, "team-a", "team-b")
	return s
}

func serverVersion(t *testing.T, cfg *rest.Config) string {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	version, err := d.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	return version.GitVersion
}

// namespaces are made such that only pods of the restricted profile get in.
func (s *server) namespaces(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}}
		if err := s.client.Create(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
}

// helm runs the helm program against the server.
func (s *server) helm(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := helm(t, s.program, append(args, "--kubeconfig", s.kubeconfig)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The programs that the Makefile builds, by major version of Helm.
const (
	helm3 = "helm"
	helm4 = "helm4"
)

// helm runs one of these programs; its error holds what it said.
func helm(t *testing.T, program string, args ...string) ([]byte, error) {
	t.Helper()
	program, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("run `make test-chart`, which builds it: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append(args, "--namespace", releaseNamespace)
	cmd := exec.CommandContext(ctx, program, args...)
	stdout, stderr := &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Run(); err != nil {
		return nil, &helmError{args: args, err: err, stderr: stderr.String()}
	}
	return stdout.Bytes(), nil
}

type helmError struct {
	args   []string
	err    error
	stderr string
}

func (e *helmError) Error() string {
	return "helm " + e.args[0] + ": " + e.err.Error() + "\n" + e.stderr
}
