package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
)

// outcome of a delivery for one Trigger, as answers and metrics say it.
type outcome = v1alpha1.DecisionOutcome

const (
	created    = v1alpha1.DecisionCreated
	exists     = v1alpha1.DecisionExists
	conflict   = v1alpha1.DecisionConflict
	notMatched = v1alpha1.DecisionNotMatched
	suspended  = v1alpha1.DecisionSuspended
	invalid    = v1alpha1.DecisionInvalid
	onHold     = v1alpha1.DecisionHeld
	refused    = v1alpha1.DecisionRefused
	cancelled  = v1alpha1.DecisionCancelled
	failed     = v1alpha1.DecisionFailed
)

// result is what a delivery meant to one Trigger or ConfigRepo.
type result struct {
	Trigger    string `json:"trigger,omitempty"`
	ConfigRepo string `json:"configRepo,omitempty"`
	// Event is which of a request's events it is about, if the request has several.
	Event   string  `json:"event,omitempty"`
	Outcome outcome `json:"outcome"`
	Run     string  `json:"run,omitempty"`
	Reason  string  `json:"reason,omitempty"`

	// transient says that the same request may succeed soon.
	transient bool
}

type accepted struct {
	Delivery string   `json:"delivery"`
	Results  []result `json:"results"`
}

// refusal is the answer to a request that reaches no Trigger.
type refusal struct {
	status  int
	outcome string
	// began is when finding out began, if how long that took is to be concealed.
	began time.Time
	Error string `json:"error"`
}

// retryAfter is told to senders whose request may succeed soon.
const retryAfter = 5 * time.Second

func busy() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, outcome: "Busy", Error: "too many requests at once: send it again"}
}

func unavailable(began time.Time) *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, outcome: "Failed", began: began,
		Error: "the API server can't be asked: send it again",
	}
}

// unauthenticated is the same to the byte for everything that isn't authentic:
// it must not tell what exists.
func unauthenticated(began time.Time) *refusal {
	return &refusal{
		status: http.StatusUnauthorized, outcome: "Unauthenticated", began: began,
		Error: "unknown address, or missing or wrong signature; a large body may need the address of a Trigger rather than its namespace's",
	}
}

func oversized(limit int64) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, outcome: "TooLarge", Error: fmt.Sprintf("the body has more than %d bytes", limit)}
}

func malformed(err error) *refusal {
	return &refusal{status: http.StatusBadRequest, outcome: "Malformed", Error: printable.Text(err.Error())}
}

func (s *Server) refuse(w http.ResponseWriter, r refusal) {
	s.deliveries.WithLabelValues("", r.outcome).Inc()
	switch r.status {
	case http.StatusUnauthorized:
		w.Header()["Www-Authenticate"] = []string{"Bearer", `Basic realm="KayCI"`}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	write(w, r.status, r)
}

func answer(w http.ResponseWriter, id string, results []result) {
	status := statusOf(results)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	write(w, status, accepted{Delivery: id, Results: results})
}

// statusOf many results is the one that the sender should act on: send it again
// if any failed, and else what was achieved rather than what was not.
func statusOf(results []result) int {
	has := map[outcome]bool{}
	transient := false
	for _, r := range results {
		has[r.Outcome] = true
		transient = transient || r.transient
	}
	switch {
	case transient:
		return http.StatusServiceUnavailable
	case has[failed]:
		return http.StatusInternalServerError
	case has[created]:
		return http.StatusCreated
	case has[conflict]:
		return http.StatusConflict
	case has[invalid] && !has[exists]:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusOK
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The sender may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}
