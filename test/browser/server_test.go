package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/kayci/kayci/web/secure"
	"github.com/kayci/kayci/web/static"
)

// patience is how long a test waits for what the browser is to show.
const patience = 60 * time.Second

// serve answers with the page of a job whose log is written by write.
func serve(t *testing.T, write http.HandlerFunc) string {
	t.Helper()
	const main = `<h1><span class="state running">● Running</span></h1><section id="log" data-log="/log?container=main"></section>`
	return site(t, map[string]http.HandlerFunc{"GET /log": write}, "/job", main) + "/job"
}

// site has a page and its stream, under the headers and with the files of the real one.
func site(t *testing.T, streams map[string]http.HandlerFunc, path, main string) string {
	t.Helper()
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	script, err := files.Path("app.js")
	if err != nil {
		t.Fatal(err)
	}
	looks, err := files.Path("app.css")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{hash}/{file}", files)
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html><meta charset="utf-8"><title>● web/12 Running · KayCI</title><link rel="stylesheet" href="%s"><script src="%s" defer></script><main>%s</main>`, looks, script, main)
	})
	for pattern, stream := range streams {
		mux.HandleFunc(pattern, stream)
	}
	server := httptest.NewServer(secure.Headers(mux))
	t.Cleanup(server.Close)
	return server.URL
}

// complaints are what the browser has reported: what the policy refuses, among others.
type complaints struct {
	mutex sync.Mutex
	texts []string
}

func (c *complaints) hear(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		c.add(e.Entry.Text)
	case *runtime.EventExceptionThrown:
		c.add(e.ExceptionDetails.Text)
	}
}

func (c *complaints) add(text string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.texts = append(c.texts, text)
}

func (c *complaints) all() []string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.texts)
}

// start a browser.
func start(t *testing.T) (context.Context, *complaints) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatal("there is no chromium: `make test-browser` installs it as root, and else your system's packages do")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath("chromium"), chromedp.NoSandbox)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	said := &complaints{}
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(said.hear))
	t.Cleanup(cancel)
	return ctx, said
}

// frame is a line as the server sends it to a script.
func frame(number int, text string) string {
	return fmt.Sprintf("L%d 2026-01-01T10:00:00.123456789Z %s\n", number, text)
}

// flush has the browser get what is written so far.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
