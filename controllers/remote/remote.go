// Package remote says how to reach the git repositories that objects name, by a URL
// and Secrets of their namespace.
package remote

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/sync/git"
)

// Remote is a repository as an object names it.
type Remote struct {
	// Namespace of the Secrets.
	Namespace string
	// URL of the repository.
	URL string
	// SecretRef and ProxySecretRef name Secrets with the credentials and with the
	// proxy. nil: none.
	SecretRef, ProxySecretRef *meta.LocalObjectReference
}

// MissingSecretError says that a Secret doesn't exist.
type MissingSecretError struct {
	// Name of the Secret.
	Name string
}

// Error names the Secret.
func (m *MissingSecretError) Error() string {
	return fmt.Sprintf("there is no Secret %q in this namespace", m.Name)
}

// Reach puts into a request how the repository is reached. Secrets are read anew each
// time, so that they aren't held in memory and a new one is used at once.
func (r Remote) Reach(ctx context.Context, reader client.Reader, request *git.Request) error {
	request.URL = r.URL
	var err error
	if request.Auth, err = r.secret(ctx, reader, r.SecretRef); err != nil {
		return err
	}
	data, err := r.secret(ctx, reader, r.ProxySecretRef)
	if err != nil || r.ProxySecretRef == nil {
		return err
	}
	proxy, err := git.ParseProxy(data)
	request.Proxy = func(*url.URL) (*url.URL, error) { return proxy, nil }
	return err
}

// secret returns the data of a Secret, which is nil without a reference.
func (r Remote) secret(ctx context.Context, reader client.Reader, ref *meta.LocalObjectReference) (map[string][]byte, error) {
	if ref == nil {
		return nil, nil
	}
	var secret corev1.Secret
	err := reader.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: ref.Name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &MissingSecretError{ref.Name}
	case err != nil:
		return nil, fmt.Errorf("read Secret %q: %w", ref.Name, err)
	}
	return secret.Data, nil
}

// SecretVersions returns the versions of the Secrets. Secrets can't be watched: KayCI
// reads them by name alone.
func (r Remote) SecretVersions(ctx context.Context, reader client.Reader) ([]string, error) {
	var versions []string
	for _, ref := range []*meta.LocalObjectReference{r.SecretRef, r.ProxySecretRef} {
		if ref == nil {
			continue
		}
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := reader.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: ref.Name}, secret)
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("read the version of Secret %q: %w", ref.Name, err)
		}
		versions = append(versions, fmt.Sprintf("%s %s %s", ref.Name, secret.UID, secret.ResourceVersion))
	}
	return versions, nil
}

var localPort = regexp.MustCompile(`\S+:\d+->`)

// Steady drops from an error's text what differs each time the same thing goes wrong:
// every change of a status would be a write.
func Steady(text string) string {
	return strings.TrimSpace(localPort.ReplaceAllString(text, ""))
}
