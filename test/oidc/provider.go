// Package oidc is an OpenID Connect provider for tests. It signs in whoever asks, as
// who the test says, by real tokens; and it can be made to answer wrongly.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Paths of the provider's endpoints.
const (
	Discovery = "/.well-known/openid-configuration"
	Keys      = "/keys"
	Authorize = "/authorize"
	Token     = "/token"
)

// Claims of an ID token. Those that are nil are left out.
type Claims map[string]any

// Provider is one that listens, by TLS. Its fields are not to be changed while it is
// asked for something.
type Provider struct {
	*httptest.Server
	// ClientID and Secret are whom it knows. A blank secret: a public client.
	ClientID, Secret string
	// Key signs tokens.
	Key *rsa.PrivateKey

	mu      sync.Mutex
	claims  Claims
	codes   map[string]url.Values
	answers map[string]http.HandlerFunc
	sign    func(payload []byte) (string, error)
	asked   map[string]int
}

// New starts a provider that knows one client.
func New(clientID, secret string) (*Provider, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p := &Provider{ClientID: clientID, Secret: secret, Key: key, codes: map[string]url.Values{}, answers: map[string]http.HandlerFunc{}, asked: map[string]int{}}
	p.sign = p.Sign
	p.Server = httptest.NewTLSServer(p.handler())
	return p, nil
}

// CA is the certificate to trust, in PEM.
func (p *Provider) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

// As has those who sign in from now on be who the claims say.
func (p *Provider) As(claims Claims) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// Answer has the path answered otherwise. nil: as usual.
func (p *Provider) Answer(path string, answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

// SignBy has tokens signed otherwise.
func (p *Provider) SignBy(sign func(payload []byte) (string, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sign = sign
}

// Asked is how often the path was asked for.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// Sign returns the token of the payload.
func (p *Provider) Sign(payload []byte) (string, error) {
	return SignWith(jose.RS256, p.Key, payload)
}

// SignWith signs by another algorithm or key.
func SignWith(algorithm jose.SignatureAlgorithm, key any, payload []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, nil)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Visit is what a browser does with the address of the sign-in: it returns where the
// provider sends it.
func (p *Provider) Visit(ctx context.Context, address string) (*url.URL, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	browser := *p.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := browser.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("the provider answers with %s", response.Status)
	}
	return response.Location()
}

func (p *Provider) handler() http.Handler {
	usual := map[string]http.HandlerFunc{Discovery: p.discovery, Keys: p.keys, Authorize: p.authorize, Token: p.token}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		answer := p.answers[r.URL.Path]
		p.mu.Unlock()
		if answer == nil {
			answer = usual[r.URL.Path]
		}
		if answer == nil {
			answer = http.NotFound
		}
		answer(w, r)
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + Authorize, "token_endpoint": p.URL + Token, "jwks_uri": p.URL + Keys,
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.Key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}}})
}

// authorize asks nobody, and sends the browser back.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("client_id") != p.ClientID || query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" || query.Get("state") == "" || query.Get("nonce") == "" {
		http.Error(w, "no authorization request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = query
	p.mu.Unlock()
	back := query.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {query.Get("state")}}.Encode()
	http.Redirect(w, r, back, http.StatusFound)
}

// token exchanges a code, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if id != p.ClientID || secret != p.Secret {
		write(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	p.mu.Lock()
	asked, known := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !known || asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
		write(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "<b>no such code</b>"})
		return
	}
	token, err := p.IDToken(asked.Get("nonce"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, http.StatusOK, map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": token})
}

// IDToken is one of who is signed in at the moment.
func (p *Provider) IDToken(nonce string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := Claims{
		"iss": p.URL, "aud": p.ClientID, "sub": "anna", "nonce": nonce,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, p.claims)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return p.sign(payload)
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Who is gone isn't answered.
	_ = json.NewEncoder(w).Encode(answer)
}
