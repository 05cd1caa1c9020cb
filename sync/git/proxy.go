package git

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Proxy returns the HTTP proxy that leads to a URL; nil: none.
type Proxy func(to *url.URL) (*url.URL, error)

// ParseProxy reads the data of a Secret: address, and optionally username and
// password.
func ParseProxy(data map[string][]byte) (*url.URL, error) {
	refuse := func(why string) error {
		return &Error{Reason: ReasonInvalidSecret, text: "the proxy's Secret: " + why}
	}
	address := strings.TrimSpace(string(data["address"]))
	if address == "" {
		return nil, refuse("it has no key address")
	}
	// The address isn't repeated: it may hold a password.
	proxy, err := url.Parse(address)
	if err != nil || proxy.Hostname() == "" || (proxy.Scheme != "http" && proxy.Scheme != "https") {
		return nil, refuse("address must be http:// or https://, a host and perhaps a port")
	}
	if name := trimmed(data, "username"); name != "" {
		proxy.User = url.UserPassword(name, trimmed(data, "password"))
	}
	return proxy, nil
}

// proxyOf asks for the proxy of a target. Proxies are chosen by web addresses: a
// target of another scheme counts as https, whose connections a proxy doesn't
// look into either.
func (r Request) proxyOf(to target) (*url.URL, error) {
	if r.Proxy == nil {
		return nil, nil //nolint:nilnil // no proxy is no error
	}
	web := url.URL{Scheme: "https", Host: to.url.Host}
	switch to.url.Scheme {
	case "http":
		web.Scheme = "http"
	case "ssh":
		web.Host = to.address("22")
	case "git":
		web.Host = to.address("9418")
	}
	proxy, err := r.Proxy(&web)
	if proxy != nil && proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, errors.New("the proxy must be http:// or https://")
	}
	return proxy, err
}

// through returns a way to connect by a proxy's CONNECT. The proxy only passes
// bytes on: who is at the other end has to prove itself as without one. What the
// proxy answers is read no further than to know whether it agrees, and goes
// nowhere else.
func through(proxy *url.URL, dial Dial, report reporter) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		at := target{proxy}
		defaultPort := "80"
		if proxy.Scheme == "https" {
			defaultPort = "443"
		}
		conn, err := dial(ctx, network, at.address(defaultPort))
		if err != nil {
			return nil, err
		}
		// The bound of the connection is that of the whole conversation. This one
		// ends with the attempt to connect.
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		if proxy.Scheme == "https" {
			conn = tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: proxy.Hostname()})
		}
		tunnel, err := connect(conn, proxy, address, report)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return tunnel, nil
	}
}

func connect(conn net.Conn, proxy *url.URL, address string, report reporter) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	answers := bufio.NewReader(&limitedReader{conn, maxErrorBody})
	answer, err := http.ReadResponse(answers, request) //nolint:bodyclose // the connection is the body
	if err != nil {
		return nil, err
	}
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return nil, report.fail(ReasonAuthenticationFailed, "the proxy %s refused the credentials, or asks for some", target{proxy})
	case answer.StatusCode != http.StatusOK:
		return nil, report.fail(ReasonFetchFailed, "the proxy %s doesn't connect to %s: %s", target{proxy}, address, foreign(answer.Status))
	}
	// An ssh server speaks first, perhaps with the proxy's answer.
	early := make([]byte, answers.Buffered())
	if _, err := io.ReadFull(answers, early); err != nil {
		return nil, err
	}
	return tunnel{conn, io.MultiReader(strings.NewReader(string(early)), conn)}, nil
}

// tunnel is a connection of which some was read already.
type tunnel struct {
	net.Conn
	reader io.Reader
}

func (t tunnel) Read(p []byte) (int, error) { return t.reader.Read(p) }
