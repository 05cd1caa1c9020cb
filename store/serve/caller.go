package serve

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
)

const (
	// TokenHeader carries the token of who asks through the API server's proxy, which keeps
	// the header Authorization to itself.
	TokenHeader = "Kayci-Token"
	// asPrefix stands before the headers that say for whom that one acts, as the API server
	// keeps these to itself, too.
	asPrefix = "Kayci-"
	// impersonate is what these headers begin with, as the API server reads them.
	impersonate = "Impersonate-"
	// maxToken bounds a token, in bytes.
	maxToken = 64 << 10
)

var (
	errWho = errors.New("the request has no token: send it in the header Authorization, or through the API server's proxy in " + TokenHeader)
	errAs  = errors.New("the request says groups or other things of somebody it acts for, but not who that is")
)

// Caller is what a request shows of who sends it.
type Caller struct {
	// Token of that one.
	Token string
	// As are the headers that say for whom that one acts, as the API server reads them.
	// Empty: for himself.
	As http.Header
}

// Through has a request that goes through the API server's proxy show the store, too, who
// sends it and for whom.
func Through(header http.Header) {
	token := header.Get("Authorization")
	if token == "" {
		return
	}
	header.Set(TokenHeader, token)
	for name, values := range header {
		if strings.HasPrefix(name, impersonate) {
			header[asPrefix+name] = values
		}
	}
}

// callerOf returns what a request shows.
func callerOf(header http.Header) (*Caller, error) {
	token, prefix := header.Get(TokenHeader), asPrefix
	if token == "" {
		token, prefix = header.Get("Authorization"), ""
	}
	scheme, token, _ := strings.Cut(token, " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > maxToken {
		return nil, errWho
	}
	caller := &Caller{Token: token, As: http.Header{}}
	for name, values := range header {
		if name, is := strings.CutPrefix(name, prefix); is && strings.HasPrefix(name, impersonate) {
			caller.As[name] = values
		}
	}
	if len(caller.As) > 0 && caller.As.Get(authenticationv1.ImpersonateUserHeader) == "" {
		return nil, errAs
	}
	return caller, nil
}

// sum tells callers apart: two tokens of one user needn't give the same rights.
func (c *Caller) sum() [sha256.Size]byte {
	all := bytes.NewBufferString(c.Token + "\n")
	// It writes the headers by name. A buffer takes all.
	_ = c.As.Write(all)
	return sha256.Sum256(all.Bytes())
}
