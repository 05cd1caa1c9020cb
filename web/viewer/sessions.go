package viewer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"k8s.io/utils/clock"

	"github.com/kayci/kayci/web/seal"
)

// MaxToken is how many bytes a token may have.
const MaxToken = 24 << 10

// MaxSession is how long a session lasts. It is over earlier if its token is.
const MaxSession = 24 * time.Hour

// sessionCookie is the name of the cookies, and what they are sealed for.
const sessionCookie = "kayci-session"

// Sessions know viewers by a cookie that holds their token, sealed. They are kept by
// nobody but the browser: any replica can answer.
type Sessions struct {
	// Box seals the cookies. It is asked each time, so that new keys count at once.
	Box func() (*seal.Box, error)
	// Clock says when a session is over.
	Clock clock.PassiveClock
}

// session is what a cookie holds.
type session struct {
	Name    string `json:"n"`
	Token   string `json:"t"`
	Expires int64  `json:"e"`
}

// Of returns the viewer of the cookie.
func (s *Sessions) Of(r *http.Request) (*Viewer, error) {
	value, ok := getCookie(r, sessionCookie)
	if !ok {
		return nil, ErrSignIn
	}
	box, err := s.Box()
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(sessionCookie, value)
	if err != nil {
		return nil, ErrExpired
	}
	var held session
	if err := json.Unmarshal(plain, &held); err != nil || held.Token == "" {
		return nil, ErrExpired
	}
	expires := time.Unix(held.Expires, 0)
	if !s.Clock.Now().Before(expires) {
		return nil, ErrExpired
	}
	return &Viewer{Name: held.Name, Token: held.Token, Expires: expires}, nil
}

// SignIn has the browser keep the viewer, whose token the API server has taken.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, v *Viewer) error {
	box, err := s.Box()
	if err != nil {
		return err
	}
	expires := s.Clock.Now().Add(MaxSession)
	if end, known := tokenEnd(v.Token); known && end.Before(expires) {
		expires = end
	}
	plain, err := json.Marshal(session{Name: v.Name, Token: v.Token, Expires: expires.Unix()})
	if err != nil {
		return fmt.Errorf("write a session: %w", err)
	}
	clearCookie(w, r, sessionCookie)
	setCookie(w, sessionCookie, box.Seal(sessionCookie, plain))
	return nil
}

// SignOut has the browser forget the viewer.
func (*Sessions) SignOut(w http.ResponseWriter, r *http.Request) {
	clearCookie(w, r, sessionCookie)
}
