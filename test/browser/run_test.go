package browser

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// runPart is a Run as the server writes it, in a line.
func runPart(version int, live bool, state, extra string) string {
	return fmt.Sprintf(`<section id="run" data-version="%d" data-live="%t"><h1><span class="state %s"><span aria-hidden="true">%s</span></h1>`+
		`<table class="jobs"><tbody>%s<tr><td><a href="/j/publish">publish</a></td><td><input name="reason"></td></tr></tbody></table></section>`, version, live, state, extra,
		map[bool]string{true: "", false: `<tr><td><a href="/j/build">build</a></td><td>new</td></tr>`}[live])
}

// TestLiveRun shows a Run that ends while somebody writes a reason.
func TestLiveRun(t *testing.T) {
	more := make(chan struct{})
	var opened atomic.Int32
	const path = "/ns/ci/runs/web-1"
	events := func(w http.ResponseWriter, r *http.Request) {
		opened.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, ": here\n\n")
		flush(w)
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
		_, _ = fmt.Fprintf(w, "id: 2\nevent: run\ndata: %s\n\nevent: end\ndata:\n\n", runPart(2, false, "failed", "✕</span> Failed"))
	}
	url := site(t, map[string]http.HandlerFunc{"GET " + path + "/events": events}, path, runPart(1, true, "running", "●</span> Running"))
	ctx, said := start(t)
	const write = `(() => { const i = document.querySelector("input[name=reason]"); i.focus(); i.value = "because"; return true })()`
	if err := chromedp.Do(ctx, chromedp.Navigate(url+path)); err != nil {
		t.Fatal(err)
	}
	ask[bool](ctx, t, write)
	close(more)
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](`document.getElementById("run").dataset.live === "false"`)); err != nil {
		t.Fatal(err)
	}
	want := []string{"✕ web/12 Failed · KayCI", "reason", "because", "/j/build /j/publish"}
	got := ask[[]string](ctx, t, `[document.title, document.activeElement.name, document.activeElement.value, [...document.querySelectorAll(".jobs a")].map(a => a.getAttribute("href")).join(" ")]`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Run is shown otherwise (-want +got):\n%s", diff)
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("the stream was opened %d times, though it had ended", n)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}
