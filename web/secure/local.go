package secure

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Loopback answers requests that were sent to this machine by a name of the loopback
// and the port, and hands others to denied: a site whose name is made to point to
// 127.0.0.1 sends its own name.
func Loopback(port int, next, denied http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, of, err := net.SplitHostPort(withPort(r.Host))
		if err != nil || of != strconv.Itoa(port) || host != "127.0.0.1" && host != "localhost" && host != "::1" {
			denied.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withPort is the host with the port of http, which browsers leave out.
func withPort(host string) string {
	if strings.Contains(host, ":") && !strings.HasSuffix(host, "]") {
		return host
	}
	return host + ":80"
}

// EnterPath is where a Gate's code is handed in.
const EnterPath = "/enter"

// Gate lets in one browser: the one that hands in the code, which counts once. Others
// on this machine, who can reach the port as well, are handed to Denied.
type Gate struct {
	// Denied answers who hasn't handed in the code.
	Denied http.Handler

	mu     sync.Mutex
	code   string
	cookie string
	name   string
}

// NewGate makes up a code. The port tells the cookies of several pages apart, which
// browsers don't.
func NewGate(port int, denied http.Handler) *Gate {
	return &Gate{Denied: denied, code: rand.Text(), cookie: rand.Text(), name: "kayci-ui-" + strconv.Itoa(port)}
}

// Code is what the browser has to hand in.
func (g *Gate) Code() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.code
}

// Wrap lets those in who may look.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == EnterPath && g.spend(r.URL.Query().Get("code")):
			http.SetCookie(w, &http.Cookie{ //nolint:gosec // The loopback has no TLS, and not every browser takes its cookies as Secure.
				Name: g.name, Value: g.cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
			})
			Redirect(w, r, r.URL.Query().Get("next"))
		case g.knows(r):
			next.ServeHTTP(w, r)
		default:
			g.Denied.ServeHTTP(w, r)
		}
	})
}

// spend reports whether the code is the one, and has it count no more.
func (g *Gate) spend(code string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.code == "" || subtle.ConstantTimeCompare([]byte(code), []byte(g.code)) != 1 {
		return false
	}
	g.code = ""
	return true
}

func (g *Gate) knows(r *http.Request) bool {
	cookie, err := r.Cookie(g.name)
	return err == nil && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(g.cookie)) == 1
}
