package githost_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	hashed "github.com/kayci/kayci/api/names"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/githost"
)

func bitbucketKey(context string) string { return hashed.Hashed(context, 40) }

// TestAuthorization: each host gets the credentials in the header that it reads.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	basic := map[string][]byte{"username": []byte("builder"), "password": []byte("a word\n")}
	token := map[string][]byte{"token": []byte("t\n"), "username": []byte("builder"), "password": []byte("x")}
	for name, tt := range map[string]struct {
		provider v1alpha1.Provider
		secret   map[string][]byte
		want     string
	}{
		"github":                          {"github", token, "Bearer t"},
		"gitlab":                          {"gitlab", token, "Bearer t"},
		"gitea":                           {"gitea", token, "token t"},
		"bitbucket":                       {"bitbucket", token, "Bearer t"},
		"bitbucket, by password":          {"bitbucket", basic, "Basic YnVpbGRlcjphIHdvcmQ="},
		"bitbucket server":                {"bitbucket-server", token, "Bearer t"},
		"bitbucket server, by a password": {"bitbucket-server", basic, "Basic YnVpbGRlcjphIHdvcmQ="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			api := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
			host, err := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil).Open(t.Context(), &githost.Access{Provider: tt.provider, API: api, Secret: tt.secret})
			if err == nil {
				_, err = status("acme/web")(t.Context(), host)
			}
			if err != nil || got != tt.want {
				t.Errorf("came with %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	token := map[string][]byte{"token": []byte(canary)}
	app := func(installation, key string) map[string][]byte {
		return map[string][]byte{"appID": []byte("1"), "installationID": []byte(installation), "privateKey": []byte(key)}
	}
	for name, tt := range map[string]struct {
		access githost.Access
		want   string
	}{
		"no token":             {githost.Access{Provider: "gitea", API: "https://git.example.com/api/v1"}, "SecretNotUsable: the Secret has no value under the key token"},
		"a mere newline":       {githost.Access{Provider: "gitlab", Secret: map[string][]byte{"token": []byte("\n")}}, "SecretNotUsable: the Secret has no value under the key token"},
		"half of a password":   {githost.Access{Provider: "bitbucket", Secret: map[string][]byte{"username": []byte("x")}}, "SecretNotUsable: the Secret has no value under the key token, nor under username and password"},
		"a password elsewhere": {githost.Access{Provider: "github", Secret: map[string][]byte{"username": []byte("x"), "password": []byte(canary)}}, "SecretNotUsable: the Secret has no value under the key token, nor under those of a GitHub App: appID, installationID and privateKey"},
		"two lines":            {githost.Access{Provider: "gitlab", Secret: map[string][]byte{"token": []byte(canary + "\nx")}}, "SecretNotUsable: the Secret has characters under the key token that no token has"},
		"no installation":      {githost.Access{Provider: "github", Secret: app("../x", "x")}, "SecretNotUsable: the Secret has no number under the key installationID"},
		"no key":               {githost.Access{Provider: "github", Secret: app("2", canary)}, "SecretNotUsable: the Secret has no RSA key in PEM form under the key privateKey"},
		"no certificate":       {githost.Access{Provider: "gitlab", Secret: map[string][]byte{"token": []byte("t"), "ca.crt": []byte(canary)}}, "SecretNotUsable: the Secret has no certificate in PEM form under the key ca.crt"},
		"no address":           {githost.Access{Provider: "gitea", Secret: token}, "InvalidURL: the address of the git host's API must begin with https:// or http://, and name a host and no user"},
		"an address of a file": {githost.Access{Provider: "gitea", API: "file:///etc/passwd", Secret: token}, "InvalidURL: the address of the git host's API must begin with https:// or http://, and name a host and no user"},
		"an address with one":  {githost.Access{Provider: "gitea", API: "https://" + canary + "@git.example.com", Secret: token}, "InvalidURL: the address of the git host's API must begin with https:// or http://, and name a host and no user"},
		"no git host":          {githost.Access{Provider: "generic", API: "https://git.example.com", Secret: token}, `provider "generic" is no git host`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, err := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil).Open(t.Context(), &tt.access)
			if diff := cmp.Diff(tt.want, fmt.Sprint(err)); diff != "" || host != nil {
				t.Errorf("%v (-want +got):\n%s", host, diff)
			}
		})
	}
}

// TestOwnCertificate: a host of one's own is trusted by the Secret's bundle, and not
// without.
func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	opener := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil)
	for bundle, want := range map[string]bool{
		"": false,
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})): true,
	} {
		host, err := opener.Open(t.Context(), &githost.Access{Provider: "gitea", API: server.URL, Secret: map[string][]byte{"token": []byte(canary), "ca.crt": []byte(bundle)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := status("acme/web")(t.Context(), host); (err == nil) != want {
			t.Errorf("with a bundle of %d bytes the error is %v", len(bundle), err)
		}
	}
}

// TestApp: an app asks for a token by its key, and again shortly before the token's end.
func TestApp(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	clock := clocktesting.NewFakePassiveClock(noon)
	var came []string
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if r.URL.Path != "/app/installations/22/access_tokens" {
			came = append(came, r.URL.Path+" "+token)
			return
		}
		var claims jwt.RegisteredClaims
		_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(clock.Now), jwt.WithIssuer("11"), jwt.WithIssuedAt())
		if err != nil || claims.ExpiresAt.Sub(clock.Now()) > 10*time.Minute {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		came = append(came, "asked for a token")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token":"%s-%d","expires_at":%q}`, canary, len(came), clock.Now().Add(time.Hour).Format(time.RFC3339))
	}))
	access := &githost.Access{Provider: "github", API: api, Secret: map[string][]byte{
		"appID": []byte("11\n"), "installationID": []byte("22\n"),
		"privateKey": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}}
	opener := githost.NewOpener(clock, nil)
	for _, after := range []time.Duration{0, 54 * time.Minute, 56 * time.Minute} {
		clock.SetTime(noon.Add(after))
		host, err := opener.Open(t.Context(), access)
		if err == nil {
			_, err = status("acme/web")(t.Context(), host)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	at := "/repos/acme/web/statuses/" + head + " " + canary
	if diff := cmp.Diff([]string{"asked for a token", at + "-1", at + "-1", "asked for a token", at + "-4"}, came); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestManyApps: whoever has many apps' tokens answered, for as long as he likes, doesn't
// keep another's from being kept.
func TestManyApps(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token":"t","expires_at":"2999-01-01T00:00:00Z"}`)
	}))
	opener := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil)
	pem := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	const many = 1024
	for installation := range many + 2 {
		number := min(installation, many)
		_, err := opener.Open(t.Context(), &githost.Access{Provider: "github", API: api, Secret: map[string][]byte{
			"appID": []byte("11"), "installationID": []byte(strconv.Itoa(number)), "privateKey": pem,
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if asked != many+1 {
		t.Errorf("%d tokens were asked for", asked)
	}
}

// TestEchoOfAPassword: a host that repeats the header has not said anything.
func TestEchoOfAPassword(t *testing.T) {
	t.Parallel()
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"message":"bad header: %s"}`, r.Header.Get("Authorization"))
	}))
	host, err := githost.NewOpener(clocktesting.NewFakePassiveClock(noon), nil).Open(t.Context(), &githost.Access{
		Provider: "bitbucket", API: api, Secret: map[string][]byte{"username": []byte("builder"), "password": []byte(canary)},
	})
	if err == nil {
		_, err = status("acme/web")(t.Context(), host)
	}
	if err == nil || !strings.Contains(err.Error(), "(withheld: it repeats a credential)") {
		t.Errorf("the error is %v", err)
	}
}
