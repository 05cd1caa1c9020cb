package static_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/web/static"
)

// A browser runs the script only by its type, and keeps what has a hash for good.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{hash}/{file}", files)
	const forGood, forNow = "public, max-age=31536000, immutable", "no-cache"
	type answer struct {
		code       int
		kind, kept string
	}
	current := func(name string) string {
		path, err := files.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, want := range map[string]answer{
		current("app.js"):           {200, "text/javascript; charset=utf-8", forGood},
		current("app.css"):          {200, "text/css; charset=utf-8", forGood},
		current("icon.svg"):         {200, "image/svg+xml", forGood},
		"/static/another/app.js":    {200, "text/javascript; charset=utf-8", forNow},
		"/static/another/static.go": {404, "text/plain; charset=utf-8", ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		got := answer{w.Code, w.Header().Get("Content-Type"), w.Header().Get("Cache-Control")}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// mostScript is how large the script may be that a browser reads before the page is live,
// in bytes.
const mostScript = 20_000

// TestTheScriptIsSmall: what the page can do without a script isn't in it.
func TestTheScriptIsSmall(t *testing.T) {
	t.Parallel()
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	path, err := files.Path("app.js")
	if err != nil {
		t.Fatal(err)
	}
	mux, w := http.NewServeMux(), httptest.NewRecorder()
	mux.Handle("GET /static/{hash}/{file}", files)
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if size := w.Body.Len(); size == 0 || size > mostScript {
		t.Errorf("the script has %d bytes, and not %d at most", size, mostScript)
	}
}
