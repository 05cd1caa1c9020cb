package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// noName is a path of the store's at which nothing is.
const noName = "no-name"

// port of the store's Service.
const port = "http"

// request is one to the store.
type request struct {
	store *Store
	// path of names, below what the store has of namespaces.
	path   []string
	params url.Values
}

// get asks for a path of names. Some of them come from the cluster's labels or from the
// store itself: what is no name leads nowhere.
func (s *Store) get(path ...string) *request {
	for _, name := range path {
		if !isName(name) {
			path = []string{noName}
			break
		}
	}
	return &request{store: s, path: path, params: url.Values{}}
}

// with adds a parameter.
func (r *request) with(name, value string) *request {
	r.params.Set(name, value)
	return r
}

// stream sends the request.
func (r *request) stream(ctx context.Context) (io.ReadCloser, error) {
	service, err := r.store.locate(ctx)
	if err != nil {
		return nil, err
	}
	asked := r.store.proxied(service).Suffix(append([]string{"v1", "namespaces"}, r.path...)...)
	for name := range r.params {
		asked.Param(name, r.params.Get(name))
	}
	body, err := asked.Stream(ctx)
	if err != nil {
		return nil, explain(service, err)
	}
	return body, nil
}

func (s *Store) proxied(service types.NamespacedName) *rest.Request {
	return s.rest.Get().Namespace(service.Namespace).Resource("services").Name(service.Name + ":" + port).SubResource("proxy")
}

// Ping returns where the store is, or as far as that is known an error unless it answers.
func (s *Store) Ping(ctx context.Context) (types.NamespacedName, error) {
	service, err := s.locate(ctx)
	if err != nil {
		return service, err
	}
	if err := s.proxied(service).Suffix("healthz").Do(ctx).Error(); err != nil {
		return service, explain(service, err)
	}
	return service, nil
}

// explain says what is to be done.
func explain(service types.NamespacedName, err error) error {
	switch {
	case errors.Is(err, ErrNotStored):
		return err
	case apierrors.IsNotFound(err), unreachable(err):
		return fmt.Errorf("%w: %w", ErrNotStored, err)
	default:
		return fmt.Errorf("ask the store %s: %w", service, err)
	}
}

// unreachable reports whether the API server doesn't let the person reach the store, which
// is how it answers to most where there is none.
func unreachable(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsForbidden(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "services"
}
