package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// maxForm bounds what a form sends: the parameters of a Run are the most.
const maxForm = 4 << 20

// loginForm is what login.html shows.
type loginForm struct {
	// Next is where to go on.
	Next string
	// Why says that the last session is over, or why the token wasn't taken.
	Why string
	// Tokens asks for one that is pasted.
	Tokens bool
	// Provider to sign in by; blank: none. Begin is where that begins.
	Provider, Begin string
	// Anonymous offers to go on without signing in.
	Anonymous bool
}

// The reasons that a link to the form may carry. Others are not shown: whoever sends
// somebody a link must not put words into the page's mouth.
const (
	whyExpired   = "expired"
	whyRefused   = "refused"
	whySignedOut = "signedout"
)

func whyOf(err error) string {
	switch signInText(err) {
	case signInText(viewer.ErrExpired):
		return whyExpired
	case signInText(viewer.ErrSignIn):
		return ""
	default:
		return whyRefused
	}
}

func (s *server) whyText(why string) string {
	switch why {
	case whySignedOut:
		if s.OpenID == nil {
			return ""
		}
		return "You have signed out here. At " + s.OpenID.Host() + " you are signed in still: sign out there, too, where others use this browser."
	case whyExpired:
		return signInText(viewer.ErrExpired)
	case whyRefused:
		return "The API server doesn't take your token, or takes it no longer."
	default:
		return ""
	}
}

// loginPage asks for a token.
func (s *server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if s.Sessions == nil {
		return s.nowhere(w, r)
	}
	if _, err := s.Sessions.Of(r); errors.Is(err, viewer.ErrExpired) {
		// Who goes on without signing in isn't led here again.
		s.Sessions.SignOut(w, r)
	}
	query := r.URL.Query()
	return s.showLogin(w, r, http.StatusOK, query.Get("next"), s.whyText(query.Get("why")))
}

func (s *server) showLogin(w http.ResponseWriter, r *http.Request, status int, next, why string) error {
	form := loginForm{Next: onward(next), Why: why, Tokens: s.TokenSignIn, Anonymous: s.Anonymous}
	if s.OpenID != nil {
		form.Provider, form.Begin = s.OpenID.Host(), beginPath(form.Next)
	}
	s.render(w, r, status, "login", page{Title: "Sign in", Body: form})
	return nil
}

// onward is where to go on after signing in: not to where one signs in.
func onward(next string) string {
	next = secure.Path(next)
	if parsed, err := url.Parse(next); err != nil || parsed.Path == "/login" || strings.HasPrefix(parsed.Path, "/login/") {
		return "/"
	}
	return next
}

// login asks the API server whose token it is, and has the browser keep it.
func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	if s.Sessions == nil || !s.TokenSignIn {
		return s.nowhere(w, r)
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	next := onward(form.Get("next"))
	token, ok := viewer.CleanToken(form.Get("token"))
	if !ok {
		return s.showLogin(w, r, http.StatusUnauthorized, next, "That is no token: it has no blanks and no line breaks in it, and is not blank.")
	}
	v := &viewer.Viewer{Token: token}
	if v.Name, err = s.rights.Name(viewer.With(r.Context(), v)); apierrors.IsUnauthorized(err) {
		return s.showLogin(w, r, http.StatusUnauthorized, next, "The API server doesn't take this token. It may have expired, or be another cluster's.")
	} else if err != nil {
		return err
	}
	if err := s.Sessions.SignIn(w, r, v); err != nil {
		return err
	}
	secure.Redirect(w, r, next)
	return nil
}

// logout has the browser forget the token. Whoever has copied it can use it until it
// expires: only who issued it could take it back.
func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	if s.Sessions == nil {
		return s.nowhere(w, r)
	}
	s.Sessions.SignOut(w, r)
	secure.Redirect(w, r, "/login?"+url.Values{"why": {whySignedOut}}.Encode())
	return nil
}

// readForm reads what a form has sent.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, &problem{Status: http.StatusBadRequest, Title: "Not understood", Text: "The form that was sent can't be read, or is too large."}
	}
	return r.PostForm, nil
}
