package openid

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// flowCookie begins the names of the cookies of sign-ins, and is what they are sealed
// for. Each sign-in has one: several tabs may be about it.
const flowCookie = "__Host-kayci-oidc-"

// Bounds of sign-ins: how long one may take, how many a browser has at a time, and how
// long the path may be to go on at.
const (
	maxFlow  = 10 * time.Minute
	maxFlows = 8
	maxNext  = 1500
)

// flow is a sign-in that was begun.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Next     string `json:"p"`
	Expires  int64  `json:"e"`
}

// newFlow begins one that goes on at a path.
func newFlow(next string, now time.Time) *flow {
	if len(next) > maxNext {
		next = "/"
	}
	return &flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Expires: now.Add(maxFlow).Unix()}
}

// flowName is the name of the cookie of a state.
func flowName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return flowCookie + hex.EncodeToString(sum[:8])
}

// keep has the browser keep the sign-in.
func (p *Provider) keep(w http.ResponseWriter, r *http.Request, f *flow) error {
	box, err := p.Box()
	if err != nil {
		return err
	}
	plain, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write a sign-in: %w", err)
	}
	var others []string
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, flowCookie) {
			others = append(others, cookie.Name)
		}
	}
	if len(others) >= maxFlows {
		for _, name := range others {
			http.SetCookie(w, flowOf(name, "", -1))
		}
	}
	http.SetCookie(w, flowOf(flowName(f.State), box.Seal(flowCookie, plain), int(maxFlow/time.Second)))
	return nil
}

// take returns the sign-in of the state, which the browser forgets: it counts once.
func (p *Provider) take(w http.ResponseWriter, r *http.Request, state string) (*flow, error) {
	name := flowName(state)
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil, p.elsewhere()
	}
	http.SetCookie(w, flowOf(name, "", -1))
	box, err := p.Box()
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(flowCookie, cookie.Value)
	if err != nil {
		return nil, p.elsewhere()
	}
	var f flow
	if err := json.Unmarshal(plain, &f); err != nil {
		return nil, p.elsewhere()
	}
	if subtle.ConstantTimeCompare([]byte(f.State), []byte(state)) != 1 || !p.Clock.Now().Before(time.Unix(f.Expires, 0)) {
		return nil, p.elsewhere()
	}
	return &f, nil
}

// flowOf is a cookie that comes along when the provider sends the browser back, which
// Strict would keep it from.
func flowOf(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
}
