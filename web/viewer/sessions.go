package viewer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	// Realm is which persons the page acts for. Sessions of persons of another one are
	// over. Blank: it acts for nobody.
	Realm string
	// Groups that persons may be in.
	Groups []string
}

// session is what a cookie holds.
type session struct {
	Name    string `json:"n"`
	Token   string `json:"t,omitempty"`
	Expires int64  `json:"e"`
	// Of a person whom the page acts for.
	Realm  string   `json:"r,omitempty"`
	User   string   `json:"u,omitempty"`
	Groups []string `json:"g,omitempty"`
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
	if err := json.Unmarshal(plain, &held); err != nil {
		return nil, ErrExpired
	}
	expires := time.Unix(held.Expires, 0)
	if !s.Clock.Now().Before(expires) {
		return nil, ErrExpired
	}
	v := &Viewer{Name: held.Name, Token: held.Token, Expires: expires, As: s.person(&held)}
	if (v.Token == "") == (v.As == nil) {
		return nil, ErrExpired
	}
	return v, nil
}

// person is whom the page acts for in the session, as far as it still does.
func (s *Sessions) person(held *session) *Person {
	if held.User == "" || s.Realm == "" || held.Realm != s.Realm {
		return nil
	}
	p := &Person{User: held.User}
	for _, group := range held.Groups {
		if slices.Contains(s.Groups, group) {
			p.Groups = append(p.Groups, group)
		}
	}
	return p
}

// SignIn has the browser keep the viewer, whom the API server knows, until the token
// ends or the viewer expires.
func (s *Sessions) SignIn(w http.ResponseWriter, r *http.Request, v *Viewer) error {
	box, err := s.Box()
	if err != nil {
		return err
	}
	held := session{Name: v.Name, Token: v.Token, Expires: v.Ends(s.Clock.Now()).Unix()}
	if v.As != nil {
		held.Realm, held.User, held.Groups = s.Realm, v.As.User, v.As.Groups
	}
	plain, err := json.Marshal(held)
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
