package main

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// TestWebClusterNeedsNoToken: a pod without a token of its account finds the API server,
// and trusts it by the certificates that the pod is given. Where there is a token it is
// not taken.
//
// It reads klog's settings, which commands of other tests set: it isn't parallel to them.
func TestWebClusterNeedsNoToken(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "asked by "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(api.Close)
	address, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "ca.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	write(t, dir, "token", []byte("canary"))
	env := map[string]string{"KUBERNETES_SERVICE_HOST": address.Hostname(), "KUBERNETES_SERVICE_PORT": address.Port()}
	config, err := webCluster(func(name string) string { return env[name] }, dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "asked by " {
		t.Errorf("the API server is %q, %v", body, err)
	}
}

// TestWebCluster: a kubeconfig that is named wins, and whom to trust has to be said.
func TestWebCluster(t *testing.T) {
	blank, broken, named := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "kubeconfig")
	write(t, broken, "ca.crt", []byte("none"))
	write(t, filepath.Dir(named), "kubeconfig", []byte(`{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],"clusters":[{"name":"a","cluster":{"server":"https://named.example.com"}}]}`))
	for name, tt := range map[string]struct {
		kubeconfig, host, dir string
		want, err             string
	}{
		"named":                {named, "10.0.0.1", blank, "https://named.example.com", ""},
		"nothing in the pod":   {"", "10.0.0.1", blank, "", "read whom to trust as API server: mount the ConfigMap kube-root-ca.crt, or set KUBECONFIG: open " + blank + "/ca.crt: no such file or directory"},
		"no certificate":       {"", "10.0.0.1", broken, "", "read whom to trust as API server: mount the ConfigMap kube-root-ca.crt, or set KUBECONFIG: error creating pool from " + broken + "/ca.crt: data does not contain any valid RSA or ECDSA certificates"},
		"named, and in no pod": {named, "", blank, "https://named.example.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", blank)
			t.Setenv("KUBECONFIG", tt.kubeconfig)
			t.Setenv("KUBERNETES_SERVICE_HOST", tt.host)
			t.Setenv("KUBERNETES_SERVICE_PORT", "443")
			var got, failed string
			if config, err := webCluster(os.Getenv, tt.dir); err != nil {
				failed = err.Error()
			} else {
				got = config.Host
			}
			if diff := cmp.Diff([2]string{tt.want, tt.err}, [2]string{got, failed}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
