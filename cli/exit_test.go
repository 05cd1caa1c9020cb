package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

func TestExitCodes(t *testing.T) {
	runs := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	free := t.Context()
	for name, tt := range map[string]struct {
		interrupted bool
		err         error
		want        int
	}{
		"nothing":                   {false, nil, 0},
		"a Run that succeeded":      {false, Outcome(v1alpha1.RunSucceeded), 0},
		"a Run that failed":         {false, Outcome(v1alpha1.RunFailed), 1},
		"a Run that was cancelled":  {false, Outcome(v1alpha1.RunCancelled), 3},
		"usage":                     {false, usage("no"), 2},
		"an error":                  {false, io.ErrUnexpectedEOF, 2},
		"forbidden":                 {false, fmt.Errorf("get: %w", apierrors.NewForbidden(runs, "a", errors.New("no"))), 4},
		"too late":                  {false, &ExitError{Code: ExitTimeout}, 124},
		"Ctrl-C":                    {true, context.Canceled, 130},
		"Ctrl-C, and what comes":    {true, io.ErrUnexpectedEOF, 130},
		"the end, and then Ctrl-C":  {true, Outcome(v1alpha1.RunFailed), 1},
		"a success and then Ctrl-C": {true, nil, 0},
	} {
		ctx := free
		if tt.interrupted {
			ctx = interrupted
		}
		if got := code(ctx, tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	runs := schema.GroupResource{Group: "kayci.dev", Resource: "runs"}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"an object that isn't there": {apierrors.NewNotFound(runs, "web"), `runs.kayci.dev "web" not found`},
		"refused": {
			&url.Error{Op: "Get", URL: "https://10.0.0.1/apis", Err: dial},
			"Get \"https://10.0.0.1/apis\": dial tcp: connect: connection refused\nThe API server can't be reached: is the network, or the VPN, up, and is --context the right one?",
		},
		"a stranger's certificate": {
			&url.Error{Op: "Get", URL: "https://10.0.0.1/apis", Err: x509.UnknownAuthorityError{}},
			"Get \"https://10.0.0.1/apis\": x509: certificate signed by unknown authority\nThe API server can't be reached: is the network, or the VPN, up, and is --context the right one?",
		},
		"unauthorized": {
			apierrors.NewUnauthorized("no"),
			"no\nThe API server doesn't know who you are: the credentials of the kubeconfig are wrong or have expired. Log in again.",
		},
		"forbidden": {
			apierrors.NewForbidden(runs, "web-1", errors.New(`User "anna" cannot get resource "runs"`)),
			"runs.kayci.dev \"web-1\" is forbidden: User \"anna\" cannot get resource \"runs\"\nWhoever administers the namespace can give this right: `kubectl auth can-i --list -n NAMESPACE` shows what you have.",
		},
		"what would drive a terminal": {errors.New("job \x1b]52;c;x\a\tsaid\r\nmore"), "job \\x1b]52;c;x\\x07  said\\x0d\nmore"},
	} {
		if diff := cmp.Diff(tt.want, text(tt.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An API server answers for a kind that it doesn't serve in its own way.
func TestKayCIIsNotInstalled(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	cluster := &Cluster{config: &rest.Config{Host: server.URL}}
	c, err := cluster.Client()
	if err != nil {
		t.Fatal(err)
	}
	err = c.List(t.Context(), &v1alpha1.RunList{}, client.InNamespace("ci"))
	if got := text(err); !strings.Contains(got, "KayCI isn't installed in this cluster") {
		t.Error(got)
	}
}

func TestKubeconfigs(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	file := filepath.Join(t.TempDir(), "config")
	content := `{apiVersion: v1, kind: Config, current-context: b,
clusters: [{name: c, cluster: {server: 'https://c.example.com'}}],
contexts: [{name: a, context: {cluster: c, namespace: ci}}, {name: b, context: {cluster: c}}]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	type result struct{ Namespace, Host, Err string }
	for name, tt := range map[string]struct {
		args []string
		want result
	}{
		"none":                {nil, result{"", "", "there is no kubeconfig: name one by --kubeconfig or KUBECONFIG, or put it at ~/.kube/config"}},
		"the current context": {[]string{"--kubeconfig", file}, result{"default", "https://c.example.com", ""}},
		"another context":     {[]string{"--kubeconfig", file, "--context", "a"}, result{"ci", "https://c.example.com", ""}},
		"a namespace":         {[]string{"--kubeconfig", file, "--context", "a", "-n", "web"}, result{"web", "https://c.example.com", ""}},
		"no such context":     {[]string{"--kubeconfig", file, "--context", "z"}, result{"", "", "read the kubeconfig: context \"z\" does not exist (`kubectl config get-contexts` lists the contexts that there are)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", "")
			cluster := &Cluster{userAgent: "kayci/v1", warnings: io.Discard}
			flags := newFlags(t, cluster)
			if err := flags.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			var got result
			var err error
			got.Namespace, _ = cluster.Namespace()
			config, err := cluster.Config()
			if err != nil {
				got.Err = text(err)
			} else {
				got.Host = config.Host
				if config.QPS != -1 || config.UserAgent != "kayci/v1" {
					t.Errorf("%v requests a second as %s", config.QPS, config.UserAgent)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
