package browser

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/test/page"
)

// createdAnnotation says when a Run is to have been created. The API server itself says
// now.
const createdAnnotation = "test.kayci.dev/created"

// aged is the API server, but Runs were created when their annotation says.
func aged(t *testing.T) *rest.Config {
	t.Helper()
	proxy := page.Proxy(t, apiServer)
	pass := proxy.Rewrite
	proxy.Rewrite = func(r *httputil.ProxyRequest) {
		pass(r)
		r.Out.Header.Del("Accept-Encoding")
	}
	proxy.ModifyResponse = age
	// A browser that goes on breaks off what it asked for.
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

// age changes an answer that has Runs, or one of them.
func age(r *http.Response) error {
	if !strings.Contains(r.Request.URL.Path, "/runs") || r.Request.URL.Query().Get("watch") != "" || r.StatusCode != http.StatusOK {
		return nil
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return err
	}
	items, listed := body["items"].([]any)
	if !listed {
		items = []any{body}
	}
	for _, item := range items {
		object, _ := item.(map[string]any)
		meta, _ := object["metadata"].(map[string]any)
		annotations, _ := meta["annotations"].(map[string]any)
		if created, is := annotations[createdAnnotation]; is {
			meta["creationTimestamp"] = created
		}
	}
	data, err := json.Marshal(body)
	r.Body = io.NopCloser(bytes.NewReader(data))
	r.ContentLength = int64(len(data))
	r.Header.Set("Content-Length", strconv.Itoa(len(data)))
	return err
}
