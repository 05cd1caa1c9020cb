package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
)

// Options are what the server needs.
type Options struct {
	// Bucket that it reads from.
	Bucket bucket.Bucket
	// Reviewer asks the API server who may do what.
	Reviewer Reviewer
	// Clock tells for how long an answer is kept.
	Clock clock.PassiveClock
	// Log tells what failed.
	Log logr.Logger
	// Streams is how many logs are read at once.
	Streams int
	// Archives bounds the lists of files that are read.
	Archives archive.Limits
}

const (
	// archivesAtOnce is how many artifacts and reports on tests are read at once: each
	// takes some memory.
	archivesAtOnce = 12
	// readsAtOnce is how many objects are read at once for an answer.
	readsAtOnce = 8
)

type server struct {
	Options

	access *access
	// Logs, and what is read of artifacts and reports on tests.
	turns, archives turns
}

// New returns the handler of the store's port.
func New(options Options) http.Handler {
	s := &server{
		Options: options, access: newAccess(options.Reviewer, options.Clock),
		turns: turns{most: options.Streams}, archives: turns{most: archivesAtOnce},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	const of = "GET /v1/namespaces/{namespace}"
	mux.Handle(of+"/runs", s.guarded(mayRuns(), s.list))
	mux.Handle(of+"/runs/{run}", s.guarded(mayRuns(), s.run))
	mux.Handle(of+"/pipelines/{pipeline}/runs/{number}", s.guarded(mayRuns(), s.numbered))
	mux.Handle(of+"/runs/{run}/logs/{job}/{pod}/{container}", s.guarded(mayLogs(), s.turns.bound(s.log)))
	mux.Handle(of+"/runs/{run}/artifacts", s.guarded(mayRuns(), s.artifacts))
	mux.Handle(of+"/runs/{run}/artifacts/{job}/{artifact}", s.guarded(mayRuns(), s.archives.bound(s.tar)))
	mux.Handle(of+"/runs/{run}/artifacts/{job}/{artifact}/files", s.guarded(mayRuns(), s.archives.bound(s.files)))
	mux.Handle(of+"/runs/{run}/tests/{job}", s.guarded(mayRuns(), s.archives.bound(s.tests)))
	return mux
}

// guarded answers those who have the right in the namespace that they ask about.
func (s *server) guarded(asked right, answer func(http.ResponseWriter, *http.Request, string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			// A pattern of GET lets HEAD in, which would read all for nothing.
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w = steady{w, http.NewResponseController(w)}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := checkNames(r)
		user := ""
		if err == nil {
			user, err = s.access.check(r.Context(), r.Header, r.PathValue("namespace"), asked)
		}
		if err == nil {
			err = answer(w, r, user)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// errName is of a name that is none.
var errName = errors.New("no name")

// checkNames refuses what can be no name, before anything is asked for by it.
func checkNames(r *http.Request) error {
	for _, key := range []string{"namespace", "run", "pipeline", "job", "pod", "container", "artifact"} {
		if value := r.PathValue(key); value != "" && len(validation.IsDNS1123Subdomain(value)) > 0 {
			return fmt.Errorf("%w: %s %q", errName, key, value)
		}
	}
	for _, key := range []string{"uid", "pipeline"} {
		if value := r.URL.Query().Get(key); value != "" && len(validation.IsDNS1123Subdomain(value)) > 0 {
			return fmt.Errorf("%w: %s %q", errName, key, value)
		}
	}
	return nil
}

// fail answers with an error, as the API server words it.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Message: err.Error(),
	}
	switch {
	case errors.Is(err, errWho), errors.Is(err, errToken):
		status.Code, status.Reason = http.StatusUnauthorized, metav1.StatusReasonUnauthorized
	case errors.Is(err, errForbidden):
		status.Code, status.Reason = http.StatusForbidden, metav1.StatusReasonForbidden
	case errors.Is(err, bucket.ErrNotFound), errors.Is(err, errNoFile):
		status.Code, status.Reason = http.StatusNotFound, metav1.StatusReasonNotFound
	case errors.Is(err, errName), errors.Is(err, errAs):
		status.Code, status.Reason = http.StatusBadRequest, metav1.StatusReasonBadRequest
	case errors.Is(err, errBusy):
		status.Code, status.Reason = http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests
		w.Header().Set("Retry-After", "1")
	case r.Context().Err() != nil:
		// Who has stopped sending may still listen, and would take silence for success.
		panic(http.ErrAbortHandler)
	default:
		s.Log.Error(err, "A request failed", "path", r.URL.Path)
		status.Code, status.Reason = http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable
		status.Message = "the store can't answer for now: its log says why"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	// Who doesn't listen any more isn't told.
	_ = json.NewEncoder(w).Encode(status)
}

func answer(w http.ResponseWriter, object any) error {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(object); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

func number(text string, usual int64) (int64, error) {
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %q is no number", errName, text)
	}
	return n, nil
}
