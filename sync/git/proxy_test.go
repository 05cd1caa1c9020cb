package git_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/sync/git"
)

// proxyServer is an HTTP proxy that wants a login, and a record of what it sees.
type proxyServer struct {
	t  *testing.T
	mu sync.Mutex
	// asked are the methods and hosts, headers all header values.
	asked, headers []string
}

const proxyPassword = "s3cr3t-of-the-proxy"

func (p *proxyServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, req.Method+" "+req.Host)
	for _, values := range req.Header {
		p.headers = append(p.headers, values...)
	}
	p.mu.Unlock()
	credentials := &http.Request{Header: http.Header{"Authorization": req.Header["Proxy-Authorization"]}}
	if name, password, _ := credentials.BasicAuth(); name != "someone" || password != proxyPassword {
		w.Header().Set("Proxy-Authenticate", "Basic")
		http.Error(w, "who are you", http.StatusProxyAuthRequired)
		return
	}
	if req.Method != http.MethodConnect {
		pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.Header.Del("Proxy-Authorization") }}
		pass.ServeHTTP(w, req)
		return
	}
	server, err := (&net.Dialer{}).DialContext(req.Context(), "tcp", req.Host)
	if err != nil {
		http.Error(w, "no", http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	defer client.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(server, client) }()
	_, _ = io.Copy(client, server)
}

func (p *proxyServer) take() (asked []string, headers string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, headers = p.asked, strings.Join(p.headers, "\n")
	p.asked, p.headers = nil, nil
	return asked, headers
}

// proxySecret is what a person puts into a Secret.
func proxySecret(address, password string) map[string][]byte {
	return map[string][]byte{"address": []byte(address + "\n"), "username": []byte("someone"), "password": []byte(password)}
}

func proxied(t *testing.T, secret map[string][]byte) git.Proxy {
	t.Helper()
	proxy, err := git.ParseProxy(secret)
	if err != nil {
		t.Fatal(err)
	}
	return func(*url.URL) (*url.URL, error) { return proxy, nil }
}

// onlyTo refuses connections to others than one address.
func onlyTo(address string) git.Dial {
	return func(ctx context.Context, network, to string) (net.Conn, error) {
		if to != address {
			return nil, errors.New("went past the proxy to " + to)
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	want := map[string]string{"a": noise(100 << 10)}
	r.commit("main", want)
	keys := newSSHKeys(t)
	ssh := r.serveSSH(keys)
	secure := httptest.NewTLSServer(basicAuth("user", canary)(r.backend()))
	t.Cleanup(secure.Close)
	host := func(raw string) string {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return u.Host
	}
	login := map[string][]byte{"username": []byte("user"), "password": []byte(canary), "ca.crt": certificate(secure)}
	plainURL, gitURL := r.serveHTTP(plain), r.serveGit()
	servers := map[string]struct {
		git.Request
		asked []string
	}{
		"http":  {git.Request{URL: plainURL}, []string{"GET " + host(plainURL), "GET " + host(plainURL), "POST " + host(plainURL)}},
		"https": {git.Request{URL: secure.URL + "/acme/config.git", Auth: login}, []string{"CONNECT " + host(secure.URL), "CONNECT " + host(secure.URL)}},
		"git":   {git.Request{URL: gitURL}, []string{"CONNECT " + host(gitURL), "CONNECT " + host(gitURL)}},
		"ssh":   {git.Request{URL: r.sshURL(ssh), Auth: keys.secret(ssh)}, []string{"CONNECT " + ssh, "CONNECT " + ssh}},
	}
	for scheme, server := range servers {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			seen := &proxyServer{t: t}
			proxy := httptest.NewServer(seen)
			defer proxy.Close()
			req := request(t, server.URL, server.Auth)
			req.Proxy, req.Dial = proxied(t, proxySecret(proxy.URL, proxyPassword)), onlyTo(host(proxy.URL))
			_, tree, err := headAndCheckout(testContext(t), t, req)
			if diff := cmp.Diff(want, tree); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			asked, headers := seen.take()
			if diff := cmp.Diff(server.asked, asked); diff != "" {
				t.Errorf("the proxy was asked (-want +got):\n%s", diff)
			}
			if strings.Contains(headers, "dXNlcjp") {
				t.Errorf("the proxy got the server's credentials: %s", headers)
			}

			req.Proxy = proxied(t, proxySecret(proxy.URL, canary))
			_, err = git.Head(testContext(t), req)
			if scheme != "http" && git.ReasonOf(err) != git.ReasonAuthenticationFailed || err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

// TestProxyIsChosenByAddress: every scheme is asked for as a web address.
func TestProxyIsChosenByAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"http://git.example.com/x":      "http://git.example.com",
		"https://git.example.com:444/x": "https://git.example.com:444",
		"ssh://git@git.example.com/x":   "https://git.example.com:22",
		"git://git.example.com/x":       "https://git.example.com:9418",
	}
	keys := newSSHKeys(t)
	for raw, want := range tests {
		var got []string
		req := request(t, raw, keys.secret("git.example.com:22"))
		req.Proxy = func(to *url.URL) (*url.URL, error) {
			got = append(got, to.String())
			return nil, nil //nolint:nilnil // none is no error
		}
		req.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }
		if _, err := git.Head(testContext(t), req); err == nil {
			t.Error("the host exists")
		}
		for _, address := range got {
			if address != want {
				t.Errorf("%s: asked for the proxy of %s, want %s", raw, address, want)
			}
		}
		if len(got) == 0 {
			t.Errorf("%s: not asked for", raw)
		}
	}
}

// TestProxyThatTurnsBad: what a proxy answers sends credentials nowhere.
func TestProxyThatTurnsBad(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.commit("main", map[string]string{"a": "1"})
	secure := httptest.NewTLSServer(r.backend())
	t.Cleanup(secure.Close)
	var mu sync.Mutex
	var leaked []string
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		leaked = append(leaked, req.Header.Get("Authorization"), req.Header.Get("Proxy-Authorization"))
	}))
	t.Cleanup(thief.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Location", thief.URL+req.URL.Path)
		w.WriteHeader(http.StatusFound)
	}))
	t.Cleanup(proxy.Close)
	for _, raw := range []string{secure.URL + "/acme/config.git", "http://git.example.com/acme/config.git"} {
		req := request(t, raw, map[string][]byte{"username": []byte("user"), "password": []byte(canary), "ca.crt": certificate(secure)})
		req.Proxy = func(*url.URL) (*url.URL, error) { return url.Parse(proxy.URL) }
		if _, err := git.Head(testContext(t), req); err == nil {
			t.Errorf("%s: the proxy's answer was taken for the server's", raw)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if text := strings.Join(leaked, ""); text != "" {
		t.Errorf("credentials went to the host of the proxy's choice: %s", text)
	}
}

func TestProxySecrets(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "proxy:3128", "ftp://proxy", "http://", "socks5://" + canary + "@proxy"} {
		_, err := git.ParseProxy(proxySecret(address, canary))
		if git.ReasonOf(err) != git.ReasonInvalidSecret || err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}
