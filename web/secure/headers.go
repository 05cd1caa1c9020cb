// Package secure keeps browsers from being used against the page: what a page may
// load and run, who may send it forms, by which names it answers, and who may look at
// the one that a person serves to himself.
package secure

import "net/http"

// policy lets a page load and run what this server has, and nothing else. Script can't
// make HTML of text but by the one Trusted Types policy of the page's own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types kayci"

// sandbox is for what isn't the page's own, a log for one: a browser that takes it for
// HTML all the same neither runs nor loads anything of it.
const sandbox = "default-src 'none'; sandbox; frame-ancestors 'none'"

// Headers sets, on every answer, what browsers are told to refuse.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// Foreign marks the answer as nothing of the page's own: what a build has written.
func Foreign(w http.ResponseWriter) { foreign(w, sandbox) }

// ForeignPage does so for what a browser is to show: with its own styles and pictures, but
// no script, form or link to anything that would be asked for by itself.
func ForeignPage(w http.ResponseWriter) {
	foreign(w, "style-src 'unsafe-inline'; img-src data:; "+sandbox)
}

// foreign sets the policy. HTML has browsers show nothing that has both a sandbox and an
// opener policy. In its sandbox, without scripts, it can do nothing to who has opened it.
func foreign(w http.ResponseWriter, policy string) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Del("Cross-Origin-Opener-Policy")
}

// SameOrigin lets other sites' pages change nothing: what they send is answered by
// denied. Requests that no browser has sent pass, since they carry no cookie that
// somebody else could make use of.
func SameOrigin(next, denied http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(denied)
	return protection.Handler(next)
}
