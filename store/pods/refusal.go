package pods

import (
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// refusal is an answer that tells the pod what is wrong.
type refusal struct {
	code   int32
	reason metav1.StatusReason
	text   string
	// again is set if the same request may be answered after that time.
	again time.Duration
}

func (r *refusal) Error() string { return r.text }

// refuse returns a refusal with the status code.
func refuse(code int32, format string, args ...any) *refusal {
	reasons := map[int32]metav1.StatusReason{
		http.StatusBadRequest:            metav1.StatusReasonBadRequest,
		http.StatusUnauthorized:          metav1.StatusReasonUnauthorized,
		http.StatusForbidden:             metav1.StatusReasonForbidden,
		http.StatusNotFound:              metav1.StatusReasonNotFound,
		http.StatusConflict:              metav1.StatusReasonConflict,
		http.StatusRequestEntityTooLarge: metav1.StatusReasonRequestEntityTooLarge,
		http.StatusTooManyRequests:       metav1.StatusReasonTooManyRequests,
	}
	return &refusal{code: code, reason: reasons[code], text: fmt.Sprintf(format, args...)}
}

// soon says that the same request may be answered if it comes again.
func (r *refusal) soon(after time.Duration) *refusal {
	r.again = after
	return r
}
