package browser

import (
	"io"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// TestSearch looks through a log, whose lines may be hostile, and clears the search.
func TestSearch(t *testing.T) {
	const main = `<h1><span class="state running">● Running</span></h1><section id="log" data-log="/log?container=main"></section>`
	page := site(t, map[string]http.HandlerFunc{
		"GET /log": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, frame(1, "one")+"E{\"lines\":1,\"complete\":true,\"exitCode\":0}\n")
		},
		"GET /log/search": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"hits":[{"line":1,"text":"<b>\u001b[31mo\u0000ne"}],"searched":1}`)
		},
	}, "/job", main) + "/job"
	const hits = `document.querySelector(".hits").textContent`
	ctx, said := start(t)
	err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.Poll[chromedp.Void](ended),
		chromedp.SendKeys(chromedp.CSS("input[type=search]"), "o\r"), chromedp.Poll[chromedp.Void](hits+` !== ""`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("1 lines in 11 <b>o\u2400ne", ask[string](ctx, t, hits)); diff != "" {
		t.Errorf("something else is found (-want +got):\n%s", diff)
	}
	if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Backspace), chromedp.Poll[chromedp.Void](hits+` === ""`)); err != nil {
		t.Errorf("what was found stays when the search is cleared: %v", err)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}
