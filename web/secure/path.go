package secure

import (
	"net/http"
	"net/url"
	"strings"
)

// Path is where to go on after signing in: what was asked for if that is a path of
// this server, and otherwise its first page. Browsers take // and /\ for the begin of
// another server's name.
func Path(next string) string {
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil ||
		!strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// Redirect leads to a path of this server, and from anything else to its first page.
func Redirect(w http.ResponseWriter, r *http.Request, next string) {
	http.Redirect(w, r, Path(next), http.StatusSeeOther) //nolint:gosec // Path leaves no other server in it.
}
