package admission

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// TestOwnCertificateIsServed: also the one that comes after it, and without a
// call to the API server, of which there is none.
func TestOwnCertificateIsServed(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	authority := placeCertificate(t, folder)
	mgr, err := ctrl.NewManager(&rest.Config{Host: "http://127.0.0.1:1"}, ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := SetupWithManager(mgr, Options{Address: address, CertificateDir: folder}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	awaitHandshake(t, address, authority)
	awaitHandshake(t, address, placeCertificate(t, folder))
}

// placeCertificate puts a new certificate into a folder and returns who trusts
// it.
func placeCertificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	chain, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.WriteFile(filepath.Join(folder, "tls.crt"), chain, 0o600), os.WriteFile(filepath.Join(folder, "tls.key"), key, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}

func awaitHandshake(t *testing.T, address string, trusted *x509.CertPool) {
	t.Helper()
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13}}
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if last = err; err != nil {
			return false, nil //nolint:nilerr // Not yet: that is what is waited for.
		}
		return true, conn.Close()
	})
	if err != nil {
		t.Fatalf("shake hands: %v (%v)", err, last)
	}
}
