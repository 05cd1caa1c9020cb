package githost

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"k8s.io/utils/lru"
)

// Keys of the Secret of a GitHub App.
const (
	appKey          = "appID"
	installationKey = "installationID"
	privateKey      = "privateKey"
)

const (
	// jwtLifetime is how long KayCI can say that it is the app: GitHub takes 10 minutes
	// at most. jwtBefore allows for its clock.
	jwtLifetime, jwtBefore = 5 * time.Minute, time.Minute
	// spare is how long before a token's end another is asked for.
	spare = 5 * time.Minute
	// maxKept bounds how many tokens are kept.
	maxKept = 1024
)

// app is a GitHub App that is installed somewhere.
type app struct {
	id, installation string
	key              *rsa.PrivateKey
	// digest is of all that.
	digest [sha256.Size]byte
}

var decimal = regexp.MustCompile(`^[0-9]{1,20}$`)

// newApp returns the app, or what is wrong with the Secret.
func newApp(id, installation string, key []byte) (*app, error) {
	if !decimal.MatchString(installation) {
		return nil, fmt.Errorf("has no number under the key %s", installationKey)
	}
	parsed, err := jwt.ParseRSAPrivateKeyFromPEM(key)
	if err != nil {
		// Its text may have parts of the key.
		return nil, fmt.Errorf("has no RSA key in PEM form under the key %s", privateKey)
	}
	return &app{id, installation, parsed, sha256.Sum256([]byte(id + "\n" + installation + "\n" + string(key)))}, nil
}

// sign returns a token that says so of KayCI.
func (a *app) sign(now time.Time) (string, error) {
	claims := jwt.RegisteredClaims{
		Issuer: a.id, IssuedAt: jwt.NewNumericDate(now.Add(-jwtBefore)), ExpiresAt: jwt.NewNumericDate(now.Add(jwtLifetime)),
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(a.key)
	if err != nil {
		return "", errors.New("the app's key can't sign")
	}
	return signed, nil
}

// installationTokens are the tokens of apps, by address and app, until they expire. Of
// too many those go that nobody has used for longest: whoever may name an address has
// as many answered there as he likes, for times of his own choice.
type installationTokens struct{ *lru.Cache }

type installationToken struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires_at"`
}

// of returns a token of the app, by which the caller is to ask. It asks for one by the
// app's key if there is none that is good for a while.
func (t installationTokens) of(ctx context.Context, c *caller, a *app) (string, error) {
	key := c.base.String() + "\n" + string(a.digest[:])
	// It was revoked, or is older than the permission that it lacks.
	c.forget = func() { t.Remove(key) }
	now := c.clock.Now()
	kept, _ := t.Get(key)
	token, _ := kept.(installationToken)
	if token.Expires.Sub(now) > spare {
		return token.Token, nil
	}
	signed, err := a.sign(now)
	if err != nil {
		return "", err
	}
	as := *c
	as.credentials = credentials{token: signed}
	token = installationToken{}
	if err := as.do(ctx, post("app/installations/"+a.installation+"/access_tokens", struct{}{}), &token); err != nil {
		return "", fmt.Errorf("ask for a token of the GitHub App: %w", err)
	}
	t.Add(key, token)
	return token.Token, nil
}
