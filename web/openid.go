package web

import (
	"errors"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kayci/kayci/web/openid"
	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/viewer"
)

// openIDPath leads to the provider. It is a link's: the page's policy keeps forms from
// being led elsewhere.
const openIDPath = "/login/oidc"

// beginPath signs in by the provider, and goes on at a path.
func beginPath(next string) string {
	return openIDPath + "?" + url.Values{"next": {next}}.Encode()
}

// beginOpenID leads the browser to the provider.
func (s *server) beginOpenID(w http.ResponseWriter, r *http.Request) error {
	if s.OpenID == nil {
		return s.nowhere(w, r)
	}
	next := onward(r.URL.Query().Get("next"))
	address, err := s.OpenID.Begin(w, r, next)
	if err != nil {
		return s.notSignedIn(w, r, next, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // It is the provider's.
	return nil
}

// finishOpenID takes whom the provider sends back, if the API server does.
func (s *server) finishOpenID(w http.ResponseWriter, r *http.Request) error {
	if s.OpenID == nil {
		return s.nowhere(w, r)
	}
	w.Header().Set("Cache-Control", "no-store")
	in, err := s.OpenID.Finish(w, r)
	if err != nil {
		return s.notSignedIn(w, r, "/", err)
	}
	v := &viewer.Viewer{Token: in.Token, Expires: in.Expires}
	if in.Person != nil {
		v.Token, v.As = "", in.Person
	}
	if v.Name, err = s.rights.Name(viewer.With(r.Context(), v)); err != nil {
		return s.notSignedIn(w, r, in.Next, err)
	}
	if err := s.Sessions.SignIn(w, r, v); err != nil {
		return err
	}
	secure.Redirect(w, r, onward(in.Next))
	return nil
}

// notSignedIn shows the form again, and says why.
func (s *server) notSignedIn(w http.ResponseWriter, r *http.Request, next string, err error) error {
	var told *openid.Error
	switch {
	case errors.As(err, &told):
		if told.Logged() {
			s.Log.Error(told, "a viewer could not be signed in", "issuer", s.OpenID.Issuer)
		}
		return s.showLogin(w, r, told.Status, next, told.Text)
	case apierrors.IsForbidden(err) && s.OwnToken != nil:
		s.Log.Error(err, "the API server doesn't let the page act for viewers")
		return s.showLogin(w, r, http.StatusForbidden, next,
			"The API server doesn't let this page act for you. That takes Kubernetes 1.36, and the page's account the roles that the chart makes for it. The page's log says more.")
	case apierrors.IsUnauthorized(err) && s.OwnToken == nil:
		return s.showLogin(w, r, http.StatusUnauthorized, next,
			"The API server doesn't take the tokens of "+s.OpenID.Host()+". Who runs the cluster can have it trust them.")
	}
	return err
}
