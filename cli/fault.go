package cli

import (
	"errors"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/printable"
)

// text returns what a person is told of an error: what has happened, and what to do
// next where that is known. Nothing of it can drive a terminal.
func text(err error) string {
	lines := strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
	if next := advice(err); next != "" {
		lines = append(lines, strings.Split(next, "\n")...)
	}
	for i := range lines {
		lines[i] = printable.Text(strings.ReplaceAll(lines[i], "\t", "  "))
	}
	return strings.Join(lines, "\n")
}

// advice on an error of the cluster. Those of the commands' own say it themselves.
func advice(err error) string {
	switch {
	case notInstalled(err):
		return "KayCI isn't installed in this cluster: it doesn't know the kinds of kayci.dev. Is --context the right one? docs/operations.md says how to install it."
	case apierrors.IsForbidden(err):
		return "Whoever administers the namespace can give this right: `kubectl auth can-i --list -n NAMESPACE` shows what you have."
	case apierrors.IsUnauthorized(err):
		return "The API server doesn't know who you are: the credentials of the kubeconfig are wrong or have expired. Log in again."
	case unreachable(err):
		return "The API server can't be reached: is the network, or the VPN, up, and is --context the right one?"
	default:
		return ""
	}
}

// notInstalled tells the 404 of a kind that the API server doesn't serve from that of
// an object.
func notInstalled(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// unreachable reports whether no answer came, of whatever kind.
func unreachable(err error) bool {
	var request *url.Error
	var network net.Error
	return errors.As(err, &request) && !errors.As(err, new(apierrors.APIStatus)) && (errors.As(err, &network) || request.Err != nil)
}
