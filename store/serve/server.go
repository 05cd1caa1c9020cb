package serve

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
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

// Head is the first line of the answer about a log, as JSON. The log's lines come behind
// it, with their stamps.
type Head struct {
	// First is the number of the first line that is sent.
	First int64 `json:"first"`
	// From is the number of the first line that was asked for, which comes first or later.
	From int64 `json:"from"`
	// End is how the log has ended. nil: it hasn't.
	End *logs.End `json:"end,omitempty"`
}

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

// A list has so many Runs unless another number is asked for, and never more than the
// other.
const usualRuns, maxRuns = 50, 500

// Runs is a list of Runs, newest first, with as much of each as a list shows.
type Runs struct {
	Items []records.Summary `json:"items"`
}

func (s *server) list(w http.ResponseWriter, r *http.Request, _ string) error {
	query := r.URL.Query()
	limit, err := number(query.Get("limit"), usualRuns)
	if err != nil {
		return err
	}
	before, err := number(query.Get("before"), 0)
	if err != nil {
		return err
	}
	found, err := records.List(r.Context(), s.Bucket, records.Query{
		Namespace: r.PathValue("namespace"), Pipeline: query.Get("pipeline"), Before: before, Limit: int(min(cmp.Or(limit, usualRuns), maxRuns)),
	})
	if err != nil {
		return err
	}
	return answer(w, Runs{Items: found})
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

// run answers with the record of a Run, by its name.
func (s *server) run(w http.ResponseWriter, r *http.Request, _ string) error {
	run, err := records.Named(r.Context(), s.Bucket, r.PathValue("namespace"), r.PathValue("run"), types.UID(r.URL.Query().Get("uid")))
	if err != nil {
		return err
	}
	return s.record(w, r, run)
}

// numbered answers with the record of a Run, by its number.
func (s *server) numbered(w http.ResponseWriter, r *http.Request, _ string) error {
	n, err := number(r.PathValue("number"), 0)
	if err != nil {
		return err
	}
	run, err := records.Numbered(r.Context(), s.Bucket, r.PathValue("namespace"), r.PathValue("pipeline"), n)
	if err != nil {
		return err
	}
	return s.record(w, r, run)
}

func (s *server) record(w http.ResponseWriter, r *http.Request, run place.Run) error {
	record, err := records.Get(r.Context(), s.Bucket, run)
	if err != nil {
		return err
	}
	return answer(w, record)
}

// log answers with the lines of a log, with their stamps, from a line on or some before.
func (s *server) log(w http.ResponseWriter, r *http.Request) error {
	log, end, err := s.find(r)
	if err != nil {
		return err
	}
	from, err := number(r.URL.Query().Get("from"), 1)
	if err != nil {
		return err
	}
	if tail := r.URL.Query().Get("tail"); tail != "" {
		last, err := number(tail, 0)
		if err != nil {
			return err
		}
		lines, err := s.lines(r, log, end)
		if err != nil {
			return err
		}
		from = max(from, lines-last+1)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	began := false
	begin := func(first int64) {
		began = true
		// Who doesn't listen any more makes the next write fail, too.
		_ = json.NewEncoder(w).Encode(Head{First: first, From: from, End: end})
	}
	err = logs.Read(r.Context(), s.Bucket, log, from, begin, w)
	switch {
	case err != nil && began:
		// The answer has begun: that it breaks off is all that can be said.
		s.Log.Error(err, "A log can't be read to its end", "path", r.URL.Path)
		panic(http.ErrAbortHandler)
	case err == nil && !began:
		begin(1)
	}
	return err
}

// lines are how many the log has.
func (s *server) lines(r *http.Request, log place.Log, end *logs.End) (int64, error) {
	if end != nil {
		return end.Lines, nil
	}
	return logs.Lines(r.Context(), s.Bucket, log)
}

// find returns the log that is asked for: of Runs of one name, that of the Run whose the
// pod is.
func (s *server) find(r *http.Request) (place.Log, *logs.End, error) {
	name := r.PathValue("run")
	log := place.Log{Job: r.PathValue("job"), Pod: types.UID(r.PathValue("pod")), Container: r.PathValue("container")}
	runs, err := records.AllNamed(r.Context(), s.Bucket, r.PathValue("namespace"), name)
	if err != nil {
		return log, nil, err
	}
	// One that has not ended has no record yet.
	if pipeline, uid := r.URL.Query().Get("pipeline"), r.URL.Query().Get("uid"); pipeline != "" && uid != "" {
		runs = append(runs, place.Run{Namespace: r.PathValue("namespace"), Pipeline: pipeline, Name: name, UID: types.UID(uid)})
	}
	for _, run := range runs {
		log.Run = run
		end, err := logs.ReadEnd(r.Context(), s.Bucket, log)
		if err != nil {
			return log, nil, err
		}
		if end != nil {
			return log, end, nil
		}
		parts, err := s.Bucket.List(r.Context(), log.Folder(), "", 1)
		if err != nil {
			return log, nil, fmt.Errorf("find a log: %w", err)
		}
		if len(parts) > 0 {
			return log, nil, nil
		}
	}
	return log, nil, fmt.Errorf("the log of container %s of pod %s of run %s: %w", log.Container, log.Pod, name, bucket.ErrNotFound)
}
