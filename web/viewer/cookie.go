package viewer

import (
	"net/http"
	"strconv"
	"strings"
)

// chunk is how many bytes of a value one cookie has: browsers take 4096 with its name
// and attributes. An ID token with many groups needs several.
const chunk = 3500

// maxChunks bounds the cookies of a value.
const maxChunks = 12

// setCookie has the browser keep the value until it ends, in as many cookies as that
// takes. The first one says how many there are, so that one that is left of a longer
// value isn't taken for a part. The prefix __Host- has browsers refuse what another
// host of the same domain has set.
func setCookie(w http.ResponseWriter, name, value string) {
	count := (len(value) + chunk - 1) / chunk
	for n := range count {
		part := value[n*chunk : min((n+1)*chunk, len(value))]
		if n == 0 {
			part = strconv.Itoa(count) + "." + part
		}
		http.SetCookie(w, cookie(name, n, part, 0))
	}
}

// getCookie returns what setCookie was given.
func getCookie(r *http.Request, name string) (string, bool) {
	first, err := r.Cookie(cookieName(name, 0))
	if err != nil {
		return "", false
	}
	counted, part, _ := strings.Cut(first.Value, ".")
	count, err := strconv.Atoi(counted)
	if err != nil || count < 1 || count > maxChunks {
		return "", false
	}
	var value strings.Builder
	value.WriteString(part)
	for n := 1; n < count; n++ {
		next, err := r.Cookie(cookieName(name, n))
		if err != nil {
			return "", false
		}
		value.WriteString(next.Value)
	}
	return value.String(), true
}

// clearCookie has the browser forget the value.
func clearCookie(w http.ResponseWriter, r *http.Request, name string) {
	for n := range maxChunks {
		if _, err := r.Cookie(cookieName(name, n)); err != nil {
			continue
		}
		http.SetCookie(w, cookie(name, n, "", -1))
	}
}

// cookie is one that no script sees, and that comes along when a link of another site
// is followed, a git host's: Strict would drop it there.
func cookie(name string, n int, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(name, n), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
}

func cookieName(name string, n int) string { return "__Host-" + name + "-" + strconv.Itoa(n) }
