package upload_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/store/upload"
	"github.com/kayci/kayci/test/jobpod"
)

// flaky answers every other request wrongly, once it has read it.
func flaky(wrongly http.HandlerFunc) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		var count atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if count.Add(1)%2 == 1 {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				wrongly(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, wrongly := range map[string]http.HandlerFunc{
		"error":      func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", http.StatusInternalServerError) },
		"busy":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oh", http.StatusTooManyRequests) },
		"broken off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("half"))
		},
		"taken and not acknowledged": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := jobpod.Run("one", nil, running("build"), running("deploy"))
			build, deploy := jobpod.New(run, "build", "build-x"), jobpod.New(run, "deploy", "deploy-x")
			w := newWorld(t, build, deploy)
			behind := flaky(wrongly)
			if wrongly == nil {
				behind = func(h http.Handler) http.Handler {
					return flaky(func(_ http.ResponseWriter, r *http.Request) {
						h.ServeHTTP(httptest.NewRecorder(), r)
						panic(http.ErrAbortHandler)
					})(h)
				}
			}
			w.serve(t, behind)
			text := map[string]string{"a": noise(17 << 20), "b": "c"}
			if _, err := w.client(build, atOnce).SaveArtifact(t.Context(), folder(t, text), "dist", []string{"**"}); err != nil {
				t.Fatal(err)
			}
			w.end(t.Context(), t, build, v1alpha1.JobSucceeded)
			into := folder(t, nil)
			if _, err := w.client(deploy, atOnce).FetchArtifact(t.Context(), into, "build", "dist"); err != nil {
				t.Fatal(err)
			}
			if cmp.Diff(text, files(t, into)) != "" {
				t.Error("other files were fetched than were sent")
			}
			saved, err := w.client(build, atOnce).SaveCache(t.Context(), folder(t, text), "go-1", []string{"**"})
			if !saved || err != nil {
				t.Errorf("a cache was saved: %t, %v", saved, err)
			}
		})
	}
}

func TestWhatIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		http.StatusInsufficientStorage:   "save the report on tests: the store says: 507 Insufficient Storage",
		http.StatusForbidden:             "save the report on tests: the store says: 403 Forbidden",
		http.StatusTemporaryRedirect:     "save the report on tests: the store says: 307 Temporary Redirect",
		http.StatusRequestEntityTooLarge: "save the report on tests: the store says: 413 Request Entity Too Large",
	} {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			http.Redirect(w, r, "http://elsewhere.example.com", code)
		}))
		t.Cleanup(server.Close)
		c := &upload.Client{URL: server.URL, Token: func() (string, error) { return "t0ken", nil }}
		c.SetWait(atOnce)
		err := c.SaveTests(t.Context(), &tests.Report{})
		if err == nil || err.Error() != want || asked.Load() != 1 {
			t.Errorf("%d requests: %v", asked.Load(), err)
		}
	}
}

func TestGivesUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := &upload.Client{URL: server.URL, Token: func() (string, error) { return "t0ken", nil }}
	var pauses []time.Duration
	c.SetWait(func(_ context.Context, d time.Duration) error {
		if pauses = append(pauses, d); len(pauses) == 7 {
			return context.DeadlineExceeded
		}
		return nil
	})
	err := c.SaveTests(t.Context(), &tests.Report{})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "save the report on tests: the store can't be reached: dial tcp") ||
		!strings.HasSuffix(err.Error(), "(the time for it is over: context deadline exceeded)") {
		t.Error(err)
	}
	const second = time.Second
	want := []time.Duration{second / 2, second, 2 * second, 4 * second, 8 * second, 10 * second, 10 * second}
	if diff := cmp.Diff(want, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestTokenThatCantBeRead(t *testing.T) {
	t.Parallel()
	c := &upload.Client{URL: "http://store.example.com", Token: func() (string, error) { return "", errors.New("no such file") }}
	err := c.SaveTests(t.Context(), &tests.Report{})
	if err == nil || err.Error() != "save the report on tests: read the pod's token: no such file" {
		t.Error(err)
	}
}

func TestSaveTests(t *testing.T) {
	t.Parallel()
	p := jobpod.New(jobpod.Run("one", nil, running("build")), "build", "build-x")
	w := newWorld(t, p)
	report := &tests.Report{Tests: 2, Failed: 1, Cases: []tests.Case{{Name: "TestA", State: tests.Failed, Message: "no"}, {Name: "TestB", State: tests.Passed}}}
	c := w.client(p, giveUp)
	for range 2 {
		if err := c.SaveTests(t.Context(), report); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := w.bucket.List(t.Context(), "", "", 0)
	if err != nil || len(objects) != 1 || objects[0].Name != "runs/builds/web/one/uid-of-one/tests/build/uid-of-build-x.json.gz" {
		t.Errorf("stored are %v, %v", objects, err)
	}
	report.Failed = 0
	err = c.SaveTests(t.Context(), report)
	if want := "save the report on tests: the store says: the pod has stored another report on its tests: it can't be changed"; err == nil || err.Error() != want {
		t.Error(err)
	}
}
