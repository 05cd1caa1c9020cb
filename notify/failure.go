package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"syscall"
	"time"
)

// failure is why an attempt failed, in words of this package alone: whatever a
// server or a library said may hold the address.
type failure struct {
	text      string
	transient bool
	// after is how long the server asks to be left alone.
	after time.Duration
}

func (f *failure) Error() string { return f.text }

// connectionFailure classifies what went wrong below a protocol's own answers.
// What it doesn't know is called by the text of otherwise.
func connectionFailure(err error, otherwise string) *failure {
	if f := untrusted(err); f != nil {
		return f
	}
	var (
		dns   *net.DNSError
		reply *textproto.Error
		errno syscall.Errno
		alert tls.AlertError
		plain tls.RecordHeaderError
		slow  net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return &failure{text: "it was cancelled"}
	case errors.As(err, &reply):
		return refusal("the server refused it", reply.Code)
	case errors.As(err, &dns):
		return &failure{text: "the address's host was not found", transient: true}
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return &failure{text: "the server does not speak TLS on this port"}
	case errors.As(err, &alert):
		return &failure{text: "the server ended the TLS handshake"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return &failure{text: "the server did not answer in time", transient: true}
	case errors.As(err, &errno):
		return &failure{text: "the connection failed: " + errno.Error(), transient: true}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &failure{text: "the server closed the connection", transient: true}
	default:
		return &failure{text: otherwise}
	}
}

// untrusted is about certificates, which another attempt doesn't change.
func untrusted(err error) *failure {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		other     *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return &failure{text: "the server's certificate is signed by an unknown authority"}
	case errors.As(err, &hostname):
		return &failure{text: "the server's certificate is for another host"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &failure{text: "the server's certificate has expired or is not yet valid"}
	case errors.As(err, &other):
		return &failure{text: "the server's certificate is not valid"}
	default:
		return nil
	}
}

// refusal is a mail server's answer: codes from 400 to 499 mean another time.
func refusal(what string, code int) *failure {
	return &failure{text: fmt.Sprintf("%s with code %d", what, code), transient: code/100 == 4}
}
