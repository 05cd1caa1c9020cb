package limits

import (
	"net/http"
	"time"
)

// PerBody is how long a sender may take for what a request carries, a form for one.
const PerBody = 30 * time.Second

// Bodies gives whoever sends a body so long for it: who begins one and sends no more
// would hold a connection for good, without having signed in. Requests without a body
// are let be: a deadline would end the streams that they ask for.
func Bodies(patience time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// A connection that knows no deadline, a test's, is read from without.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
		}
		next.ServeHTTP(w, r)
	})
}
