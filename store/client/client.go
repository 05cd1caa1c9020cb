// Package client asks the store, through the API server's proxy: whoever reaches the API
// server reaches the store, by no other address and with the same credentials.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/serve"
)

// TokenHeader carries a token for the store.
const TokenHeader = serve.TokenHeader

// ErrNotStored says that the store doesn't have what was asked for.
var ErrNotStored = errors.New("it is not in the store")

// Store is the store of a cluster.
type Store struct {
	// Service of the store.
	Service types.NamespacedName

	rest rest.Interface
}

// Header has each request to a Service show who sends it, and for whom, to what answers
// there, too: the API server keeps that to itself. Wrapped by what adds the credentials,
// it sees them.
func Header(next http.RoundTripper) http.RoundTripper { return header{next} }

type header struct{ next http.RoundTripper }

func (h header) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/proxy/") {
		r = r.Clone(r.Context())
		serve.Through(r.Header)
	}
	return h.next.RoundTrip(r)
}

// New returns the store behind a Service, which is asked with the credentials of the
// configuration.
func New(config *rest.Config, service types.NamespacedName) (*Store, error) {
	config = rest.CopyConfig(config)
	config.Wrap(Header)
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the store: %w", err)
	}
	return NewForClient(config, transport, service)
}

// NewForClient does so by a client that has [Header] in it.
func NewForClient(config *rest.Config, transport *http.Client, service types.NamespacedName) (*Store, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/api", &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.QPS = -1
	c, err := rest.RESTClientForConfigAndClient(config, transport)
	if err != nil {
		return nil, fmt.Errorf("reach the store: %w", err)
	}
	return &Store{Service: service, rest: c}, nil
}

// noName is a path of the store's at which nothing is.
const noName = "no-name"

// port of the store's Service.
const port = "http"

// get asks for a path of names. Some of them come from the cluster's labels or from the
// store itself: what is no name leads nowhere.
func (s *Store) get(path ...string) *rest.Request {
	for _, name := range path {
		if !isName(name) {
			path = []string{noName}
			break
		}
	}
	return s.rest.Get().Namespace(s.Service.Namespace).Resource("services").Name(s.Service.Name + ":" + port).SubResource("proxy").
		Suffix(append([]string{"v1", "namespaces"}, path...)...)
}

// explain says what is to be done.
func (s *Store) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNotStored):
		return err
	case apierrors.IsNotFound(err), unreachable(err):
		return fmt.Errorf("%w: %w", ErrNotStored, err)
	default:
		return fmt.Errorf("ask the store %s: %w", s.Service, err)
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

// maxAnswer bounds an answer that is kept in memory, in bytes.
const maxAnswer = 64 << 20

func (s *Store) read(ctx context.Context, request *rest.Request, into any) error {
	body, err := request.Stream(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the answer of the store %s: %w", s.Service, err)
	}
	return nil
}

// Run returns the record of the Run of a name: the newest of several, unless the UID says
// which; nil if there is none.
func (s *Store) Run(ctx context.Context, namespace, name string, uid types.UID) (*records.Record, error) {
	request := s.get(namespace, "runs", name)
	if uid != "" {
		request.Param("uid", string(uid))
	}
	return s.record(ctx, request, func(run *v1alpha1.Run) bool {
		return run.Namespace == namespace && run.Name == name && (uid == "" || run.UID == uid)
	})
}

// Numbered returns the record of a Pipeline's Run, or nil if there is none.
func (s *Store) Numbered(ctx context.Context, namespace, pipeline string, number int64) (*records.Record, error) {
	return s.record(ctx, s.get(namespace, "pipelines", pipeline, "runs", strconv.FormatInt(number, 10)), func(run *v1alpha1.Run) bool {
		return run.Namespace == namespace && run.Spec.Pipeline == pipeline && run.Status.Number == number
	})
}

// record reads one, of the Run that was asked for.
func (s *Store) record(ctx context.Context, request *rest.Request, is func(*v1alpha1.Run) bool) (*records.Record, error) {
	var r records.Record
	err := s.read(ctx, request, &r)
	if errors.Is(err, ErrNotStored) {
		return nil, nil //nolint:nilnil // That nothing is kept is a usual answer and no error.
	}
	if err != nil {
		return nil, err
	}
	if r.Run == nil || !fit(r.Run) || !is(r.Run) {
		return nil, fmt.Errorf("the store %s answers with something else than the Run that it was asked for", s.Service)
	}
	if r.Spec != nil && !fitSpec(r.Spec) {
		r.Spec = nil
	}
	r.Pods = slices.DeleteFunc(r.Pods, func(pod corev1.Pod) bool { return pod.Namespace != r.Run.Namespace || !fitPod(&pod) })
	return &r, nil
}

// Runs returns Runs of a namespace, newest first, with as much of each as a list shows.
func (s *Store) Runs(ctx context.Context, q records.Query) ([]v1alpha1.Run, error) {
	request := s.get(q.Namespace, "runs").Param("limit", strconv.Itoa(q.Limit))
	if q.Pipeline != "" {
		request.Param("pipeline", q.Pipeline)
	}
	if q.Before > 0 {
		request.Param("before", strconv.FormatInt(q.Before, 10))
	}
	var list serve.Runs
	err := s.read(ctx, request, &list)
	var status apierrors.APIStatus
	if errors.Is(err, ErrNotStored) || apierrors.IsForbidden(err) && errors.As(err, &status) && status.Status().Details != nil {
		// Who may not ask the store has a list of what is there, as without one.
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(run v1alpha1.Run) bool { return run.Namespace != q.Namespace || !fit(&run) }), nil
}
