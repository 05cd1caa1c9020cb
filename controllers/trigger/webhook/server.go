// Package webhook receives the requests of git hosts and programs that start
// Runs. A request is authenticated over its raw bytes before anything of it is
// read, and one that isn't authentic gets the same answer whatever exists. The
// answer to an authentic one is sent after the API server has stored the Runs
// that it started, or the decision to start none.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/expr"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
	"github.com/kayci/kayci/controllers/start"
	"github.com/kayci/kayci/controllers/trigger/decisions"
	"github.com/kayci/kayci/controllers/turn"
)

// Defaults of Options. Bodies are in memory before anything says who has sent
// them: requests at a time times bytes is what a stranger can make the process
// hold, beside an evaluation of jsonnet.
const (
	DefaultMaxBytes        = 10 << 20
	DefaultMaxConcurrent   = 16
	DefaultPatience        = 10 * time.Second
	DefaultShutdownTimeout = 30 * time.Second
)

const (
	headerTimeout = 10 * time.Second
	// handleTimeout bounds the API server's part, so that writeTimeout isn't what
	// ends a request.
	handleTimeout  = 20 * time.Second
	writeTimeout   = 90 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeaderBytes = 16 << 10
)

// Starter creates Runs.
type Starter interface {
	Start(ctx context.Context, req start.Request) (run *v1alpha1.Run, created bool, err error)
	Retry(ctx context.Context, pipeline *v1alpha1.Pipeline, source *v1alpha1.Run, value string) (run *v1alpha1.Run, created bool, err error)
}

// Options of a Server. Client, APIReader, Starter, Clock and Metrics are
// required.
type Options struct {
	// Address to listen on, as in net.Listen.
	Address string
	// Namespaces that are watched. Others answer as if nothing existed there.
	// Empty: all.
	Namespaces []string
	// MaxBytes of a request's body. Default: DefaultMaxBytes.
	MaxBytes int64
	// MaxConcurrent requests are handled at a time, and bodies of the largest size
	// held; more wait for some seconds and are then told to come back. At least
	// 2. Default: DefaultMaxConcurrent.
	MaxConcurrent int
	// Patience is how long a request waits for each thing that is taken: git hosts
	// themselves wait for 10 s. Default: DefaultPatience.
	Patience time.Duration
	// ShutdownTimeout is how long requests in flight may take to end. Default:
	// DefaultShutdownTimeout.
	ShutdownTimeout time.Duration

	// Client reads Triggers and Pipelines, from a cache, and writes the record of
	// decisions.
	Client client.Client
	// APIReader reads Secrets, and what a cache may not show yet.
	APIReader client.Reader
	// Starter creates the Runs.
	Starter Starter
	// Hosts opens the git hosts of Triggers that have credentials for them. nil: none
	// has.
	Hosts Hosts
	// Decisions notes what each delivery meant. nil: nothing is noted.
	Decisions *decisions.Recorder
	// Clock tells the time of records and of the Secrets' short cache.
	Clock clock.PassiveClock
	// Log gets a line for each authentic delivery.
	Log logr.Logger
	// Metrics gets kayci_webhook_deliveries_total.
	Metrics prometheus.Registerer
	// Instance names this replica in recorded decisions.
	Instance string
}

var errNotListening = errors.New("webhooks are not received yet")

// Server is the webhook receiver: a Runnable of a manager, on every replica.
type Server struct {
	opts        Options
	env         *expr.Env
	secrets     *secretCache
	deliveries  *prometheus.CounterVec
	places      *places
	turns       turn.Turns
	room        *room
	memory      *memory
	away        githost.Breaker[topic]
	allowance   allowance
	comments    budget
	connections int
	concealment time.Duration
	handler     http.Handler
	listening   atomic.Bool
}

// NewServer returns a server that is ready to start.
func NewServer(opts Options) (*Server, error) {
	opts.setDefaults()
	env, err := expr.SharedTriggerEnv()
	if err != nil {
		return nil, err
	}
	deliveries := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kayci_webhook_deliveries_total",
		Help: "Webhook requests by the provider of the Trigger and what became of them; one that reached several Triggers counts for each.",
	}, []string{"provider", "outcome"})
	if err := opts.Metrics.Register(deliveries); err != nil {
		return nil, fmt.Errorf("register the webhook metrics: %w", err)
	}
	s := &Server{
		opts:        opts,
		env:         env,
		secrets:     newSecretCache(opts.APIReader, opts.Clock),
		deliveries:  deliveries,
		places:      newPlaces(opts.MaxConcurrent, opts.Patience),
		room:        newRoom(opts.Clock, opts.room(), opts.MaxBytes+leastRoom),
		memory:      newMemory(opts.Patience),
		away:        githost.Breaker[topic]{Most: maxAway},
		allowance:   usualAllowance(),
		connections: maxConnections,
		concealment: concealment,
	}
	s.handler = s.routes()
	return s, nil
}

func (o *Options) setDefaults() {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = DefaultMaxConcurrent
	}
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = DefaultShutdownTimeout
	}
	if o.Instance == "" {
		o.Instance = v1alpha1.FieldManager
	}
}

// room is what bodies may take in all: each has a little that it may not fill.
func (o *Options) room() int64 {
	return int64(o.MaxConcurrent) * (o.MaxBytes + leastRoom)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, pattern := range []string{
		"POST /hooks/{namespace}", "POST /hooks/{namespace}/{$}",
		"POST /hooks/{namespace}/{trigger}", "POST /hooks/{namespace}/{trigger}/{$}",
		"POST /hooks/{namespace}/configrepos/{configrepo}", "POST /hooks/{namespace}/configrepos/{configrepo}/{$}",
	} {
		mux.HandleFunc(pattern, s.receive)
	}
	return mux
}

// Handler is what the server serves, for tests and for other servers.
func (s *Server) Handler() http.Handler { return s.handler }

// Ready is nil while requests are accepted: a readiness check.
func (s *Server) Ready(*http.Request) error {
	if !s.listening.Load() {
		return errNotListening
	}
	return nil
}

// NeedLeaderElection is false: every replica receives.
func (*Server) NeedLeaderElection() bool { return false }

// Start serves until the context ends, then lets the requests in flight end.
func (s *Server) Start(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.opts.Address)
	if err != nil {
		return fmt.Errorf("listen for webhooks: %w", err)
	}
	return s.Serve(ctx, listener)
}

// Serve is Start on a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       know,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(&connections{Listener: listener, most: s.connections}) }()
	s.listening.Store(true)
	defer s.listening.Store(false)
	select {
	case err := <-failed:
		return fmt.Errorf("serve webhooks: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("end the webhooks in flight: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve webhooks: %w", err)
	}
	return nil
}

func (s *Server) watched(namespace string) bool {
	return len(s.opts.Namespaces) == 0 || slices.Contains(s.opts.Namespaces, namespace)
}
