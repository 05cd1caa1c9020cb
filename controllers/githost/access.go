package githost

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpguts"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/fault"
)

// Keys of the Secret with a host's credentials, beside the token's. Those of a GitHub
// App are in app.go.
const (
	usernameKey = "username"
	passwordKey = "password"
	caKey       = "ca.crt"
)

// DefaultAPI is the address of the API of a host that everybody uses. Empty: there is
// none of that kind.
func DefaultAPI(provider v1alpha1.Provider) string {
	switch provider {
	case v1alpha1.ProviderGitHub:
		return "https://api.github.com"
	case v1alpha1.ProviderGitLab:
		return "https://gitlab.com/api/v4"
	case v1alpha1.ProviderBitbucket:
		return "https://api.bitbucket.org/2.0"
	default:
		return ""
	}
}

// Access is where a host's API is, and what KayCI is known by there.
type Access struct {
	// Provider is the kind of host.
	Provider v1alpha1.Provider
	// API is the base address. Empty: the default.
	API string
	// Secret is the data of a Secret: token; or username and password, which Bitbucket
	// takes; or appID, installationID and privateKey of a GitHub App. And ca.crt, whose
	// certificates are trusted beside the system's.
	Secret map[string][]byte
}

// Usable reports whether the Secret holds what may be credentials.
func (a *Access) Usable() bool {
	_, err := a.credentials()
	return err == nil
}

// credentials are what each request carries.
type credentials struct {
	// token, or what a basic authentication consists of.
	token, username, password string
	app                       *app
}

func (a *Access) credentials() (credentials, error) {
	one := func(key string) string { return string(bytes.TrimRight(a.Secret[key], "\r\n")) }
	c := credentials{token: one(v1alpha1.TokenKey), username: one(usernameKey), password: one(passwordKey)}
	var err error
	switch {
	case c.token != "":
		if !httpguts.ValidHeaderFieldValue(c.token) {
			return c, fmt.Errorf("has characters under the key %s that no token has", v1alpha1.TokenKey)
		}
		c.username, c.password = "", ""
	case a.Provider == v1alpha1.ProviderGitHub && len(a.Secret[appKey]) > 0:
		c.app, err = newApp(one(appKey), one(installationKey), a.Secret[privateKey])
	case a.takesPassword() && c.username != "" && c.password != "":
	case a.takesPassword():
		err = fmt.Errorf("has no value under the key %s, nor under %s and %s", v1alpha1.TokenKey, usernameKey, passwordKey)
	case a.Provider == v1alpha1.ProviderGitHub:
		err = fmt.Errorf("has no value under the key %s, nor under those of a GitHub App: %s, %s and %s", v1alpha1.TokenKey, appKey, installationKey, privateKey)
	default:
		err = fmt.Errorf("has no value under the key %s", v1alpha1.TokenKey)
	}
	return c, err
}

func (a *Access) takesPassword() bool {
	return a.Provider == v1alpha1.ProviderBitbucket || a.Provider == v1alpha1.ProviderBitbucketServer
}

// secrets are what may stand in no text: a host may repeat the header that they came in.
func (c *credentials) secrets() []string {
	secrets := []string{c.token, c.password}
	if c.password != "" {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(c.username+":"+c.password)))
	}
	return secrets
}

// authorize signs a request.
func (c *credentials) authorize(provider v1alpha1.Provider, to http.Header) {
	switch {
	case c.token == "":
		request := http.Request{Header: to}
		request.SetBasicAuth(c.username, c.password)
	case provider == v1alpha1.ProviderGitea:
		to.Set("Authorization", "token "+c.token)
	default:
		to.Set("Authorization", "Bearer "+c.token)
	}
}

// base returns the address of the API.
func (a *Access) base() (*url.URL, error) {
	base, err := url.Parse(cmp.Or(a.API, DefaultAPI(a.Provider)))
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.New(v1alpha1.ReasonInvalidURL, "the address of the git host's API must begin with https:// or http://, and name a host and no user")
	}
	return base.JoinPath("/"), nil
}
