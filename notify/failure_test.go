package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConnectionFailure: whatever the errors say of the address stays in them.
func TestConnectionFailure(t *testing.T) {
	tests := map[string]struct {
		err  error
		want failure
	}{
		"no such host":  {&net.DNSError{Err: "no such host", Name: canary, IsNotFound: true}, failure{text: "the address's host was not found", transient: true}},
		"refused":       {&net.OpError{Op: canary, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, failure{text: "the connection failed: connection refused", transient: true}},
		"timed out":     {&net.OpError{Op: canary, Err: os.ErrDeadlineExceeded}, failure{text: "the server did not answer in time", transient: true}},
		"TCP timed out": {&net.OpError{Op: canary, Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}, failure{text: "the server did not answer in time", transient: true}},
		"ended":         {io.ErrUnexpectedEOF, failure{text: "the server closed the connection", transient: true}},
		"cancelled":     {context.Canceled, failure{text: "it was cancelled"}},
		"not now":       {&textproto.Error{Code: 421, Msg: canary}, failure{text: "the server refused it with code 421", transient: true}},
		"never":         {&textproto.Error{Code: 502, Msg: canary}, failure{text: "the server refused it with code 502"}},
		"expired": {
			&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired, Detail: canary}},
			failure{text: "the server's certificate has expired or is not yet valid"},
		},
		"not for servers": {
			&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.IncompatibleUsage, Detail: canary}},
			failure{text: "the server's certificate is not valid"},
		},
		"alert":   {tls.AlertError(40), failure{text: "the server ended the TLS handshake"}},
		"unknown": {errors.New(canary), failure{text: "something else"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wrapped := fmt.Errorf("dial: %w", &url.Error{Op: "Post", URL: "https://" + canary, Err: test.err})
			got := connectionFailure(wrapped, "something else")
			checkSecret(t, got)
			if diff := cmp.Diff(test.want, *got, cmp.AllowUnexported(failure{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
