package viewer

import (
	"errors"
	"net/http"
)

// errNobody stops a request that nobody has asked for.
var errNobody = errors.New("a request to the API server without a viewer is not sent")

// Transport makes each request as the viewer of its context. One without a viewer
// isn't sent: there is no account of the page's own to send it as.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

// RoundTrip sends the request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	v, ok := From(r.Context())
	if !ok || !v.Local && v.Token == "" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errNobody
	}
	if v.Local {
		return t.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+v.Token)
	return t.next.RoundTrip(r)
}
