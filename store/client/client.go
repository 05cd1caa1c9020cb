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

// errAnother is of an answer that is about something else.
var errAnother = errors.New("the store answers with something else than the Run that it was asked for")

// ErrNotStored says that the store doesn't have what was asked for.
var ErrNotStored = errors.New("it is not in the store")

// Store is the store of a cluster.
type Store struct {
	locate Locate
	rest   rest.Interface
}

// Locate returns the Service of the store. It is asked before each request. ErrNotStored:
// there is none.
type Locate func(ctx context.Context) (types.NamespacedName, error)

// At locates a store that is known.
func At(service types.NamespacedName) Locate {
	return func(context.Context) (types.NamespacedName, error) { return service, nil }
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
func New(config *rest.Config, locate Locate) (*Store, error) {
	config = rest.CopyConfig(config)
	config.Wrap(Header)
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the store: %w", err)
	}
	return NewForClient(config, transport, locate)
}

// NewForClient does so by a client that has [Header] in it.
func NewForClient(config *rest.Config, transport *http.Client, locate Locate) (*Store, error) {
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/api", &schema.GroupVersion{Version: "v1"}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	config.QPS = -1
	c, err := rest.RESTClientForConfigAndClient(config, transport)
	if err != nil {
		return nil, fmt.Errorf("reach the store: %w", err)
	}
	return &Store{locate: locate, rest: c}, nil
}

// maxAnswer bounds an answer that is kept in memory, in bytes.
const maxAnswer = 64 << 20

func (s *Store) read(ctx context.Context, request *request, into any) error {
	body, err := request.stream(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the answer of the store: %w", err)
	}
	return nil
}

// Run returns the record of the Run of a name: the newest of several, unless the UID says
// which; nil if there is none.
func (s *Store) Run(ctx context.Context, namespace, name string, uid types.UID) (*records.Record, error) {
	request := s.get(namespace, "runs", name)
	if uid != "" {
		request.with("uid", string(uid))
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
func (s *Store) record(ctx context.Context, request *request, is func(*v1alpha1.Run) bool) (*records.Record, error) {
	var r records.Record
	err := s.read(ctx, request, &r)
	if errors.Is(err, ErrNotStored) {
		return nil, nil //nolint:nilnil // That nothing is kept is a usual answer and no error.
	}
	if err != nil {
		return nil, err
	}
	if r.Run == nil || !fit(r.Run) || !is(r.Run) {
		return nil, errAnother
	}
	if r.Spec != nil && !fitSpec(r.Spec) {
		r.Spec = nil
	}
	r.Pods = slices.DeleteFunc(r.Pods, func(pod corev1.Pod) bool { return pod.Namespace != r.Run.Namespace || !fitPod(&pod) })
	return &r, nil
}

// Runs returns Runs of a namespace, newest first, with as much of each as a list shows.
func (s *Store) Runs(ctx context.Context, q records.Query) ([]v1alpha1.Run, error) {
	request := s.get(q.Namespace, "runs").with("limit", strconv.Itoa(q.Limit))
	if q.Pipeline != "" {
		request.with("pipeline", q.Pipeline)
	}
	if q.Before > 0 {
		request.with("before", strconv.FormatInt(q.Before, 10))
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
