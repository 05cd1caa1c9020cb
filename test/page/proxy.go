package page

import (
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"
)

// Proxy passes requests on to an API server as they are, for a test that stands between.
func Proxy(t *testing.T, server *rest.Config) *httputil.ReverseProxy {
	t.Helper()
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(server))
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(server.Host)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
	}
}
