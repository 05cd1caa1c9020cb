package openid

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/kayci/kayci/web/viewer"
)

// SignIn is who has signed in, as the provider vouches for.
type SignIn struct {
	// Token is the ID token. It ends at Expires.
	Token   string
	Expires time.Time
	// Person is who the token names, if there is a Mapping.
	Person *viewer.Person
	// Next is the path to go on at.
	Next string
}

// Begin returns the address to lead the browser to, which keeps what Finish asks for.
func (p *Provider) Begin(w http.ResponseWriter, r *http.Request, next string) (string, error) {
	k, err := p.discover(r.Context())
	if err != nil {
		return "", err
	}
	config, err := p.config(k)
	if err != nil {
		return "", err
	}
	f := newFlow(next, p.Clock.Now())
	if err := p.keep(w, r, f); err != nil {
		return "", err
	}
	return config.AuthCodeURL(f.State, oauth2.S256ChallengeOption(f.Verifier), oidc.Nonce(f.Nonce)), nil
}

// Finish takes what the provider sends the browser back with. Errors that are for the
// viewer are of the type Error.
func (p *Provider) Finish(w http.ResponseWriter, r *http.Request) (*SignIn, error) {
	query := r.URL.Query()
	f, err := p.take(w, r, query.Get("state"))
	if err != nil {
		return nil, err
	}
	if code := query.Get("error"); code != "" {
		return nil, p.refused(code, query.Get("error_description"))
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != p.Issuer {
		return nil, p.badToken(errors.New("the answer is another issuer's"))
	}
	k, err := p.discover(r.Context())
	if err != nil {
		return nil, err
	}
	raw, err := p.exchange(r.Context(), k, f, query.Get("code"))
	if err != nil {
		return nil, err
	}
	token, err := p.verify(r.Context(), k, f, raw)
	if err != nil {
		return nil, p.badToken(err)
	}
	in := &SignIn{Token: raw, Expires: token.Expiry, Next: f.Next}
	if p.Mapping == nil {
		return in, nil
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, p.badToken(err)
	}
	if in.Person, err = p.Mapping.Person(p.Issuer, claims); err != nil {
		return nil, p.badPerson(err)
	}
	return in, nil
}

// exchange the code for an ID token.
func (p *Provider) exchange(ctx context.Context, k *known, f *flow, code string) (string, error) {
	config, err := p.config(k)
	if err != nil {
		return "", err
	}
	tokens, err := config.Exchange(oidc.ClientContext(ctx, p.Client), code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return "", p.noToken(err)
	}
	raw, is := tokens.Extra("id_token").(string)
	if !is {
		return "", p.noToken(errors.New("exchange a code: there is no ID token in the answer"))
	}
	return raw, nil
}

// verify that the token is the provider's, for the page, of this sign-in and not over.
func (p *Provider) verify(ctx context.Context, k *known, f *flow, raw string) (*oidc.IDToken, error) {
	token, err := k.provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Clock.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1 {
		return nil, errors.New("the nonce is another sign-in's")
	}
	return token, nil
}
