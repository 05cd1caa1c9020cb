// Package viewer says who looks at the page, and has every request to the API server
// made as that person. The page itself has no rights that a request could fall back to.
package viewer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"
)

// ErrSignIn says that nobody is known who sends the request.
var ErrSignIn = errors.New("you have not signed in")

// ErrExpired says that whoever sends the request was known, and has to sign in again.
var ErrExpired = errors.New("your session is over")

// Viewer is who looks at a page.
type Viewer struct {
	// Name that the API server knows the viewer by. Blank: it wasn't asked yet.
	Name string
	// Token that requests to the API server carry.
	Token string
	// As is whom the page acts for, by a token of its own. nil: for nobody.
	As *Person
	// Local is the person who serves the page to himself: requests carry what the
	// kubeconfig says.
	Local bool
	// Anonymous viewers share the token of an account that the operator names.
	Anonymous bool
	// Expires is when the session is over. Zero: the viewer has none.
	Expires time.Time
}

// Key tells viewers apart, and doesn't tell who they are.
func (v *Viewer) Key() string {
	if v.Local {
		return "local"
	}
	who := v.Token
	if v.As != nil {
		who = v.As.key()
	}
	sum := sha256.Sum256([]byte(who))
	return hex.EncodeToString(sum[:16])
}

// Mode is a way to know who looks.
type Mode interface {
	// Of returns who sends the request. ErrSignIn: nobody it knows.
	Of(r *http.Request) (*Viewer, error)
}

// First asks one mode after the other.
type First []Mode

// Of returns the first viewer that a mode knows. Whose session is over is told so, and
// isn't taken for anybody else.
func (f First) Of(r *http.Request) (*Viewer, error) {
	for _, mode := range f {
		v, err := mode.Of(r)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrSignIn) {
			return nil, err
		}
	}
	return nil, ErrSignIn
}

// Local is the mode of a page that a person serves to himself.
type Local struct{}

// Of returns that person.
func (Local) Of(*http.Request) (*Viewer, error) { return &Viewer{Local: true}, nil }

type contextKey struct{}

// With returns a context whose requests to the API server are made as the viewer.
func With(ctx context.Context, v *Viewer) context.Context {
	return context.WithValue(ctx, contextKey{}, v)
}

// From returns the viewer of a context.
func From(ctx context.Context) (*Viewer, bool) {
	v, ok := ctx.Value(contextKey{}).(*Viewer)
	return v, ok
}

// Ends is when what the viewer begins to follow now is to end: with the token or the
// session, and at the latest when a session would that begins now. Zero: never.
func (v *Viewer) Ends(now time.Time) time.Time {
	end, _ := tokenEnd(v.Token)
	if v.Local || v.Anonymous {
		return end
	}
	for _, other := range []time.Time{v.Expires, now.Add(MaxSession)} {
		if end.IsZero() || !other.IsZero() && other.Before(end) {
			end = other
		}
	}
	return end
}
