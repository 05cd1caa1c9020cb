// Package browser shows the page's logs to a real browser.
package browser

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// ended is true when the whole log is shown.
const ended = `document.querySelector(".end")?.textContent.startsWith("exit code")`

// ask evaluates an expression in the page.
func ask[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestHostileLog shows what a build may print to attack who reads it.
func TestHostileLog(t *testing.T) {
	lines := []string{
		"<script>hacked=1</script><img src=x onerror=hacked=1>",
		"\x1b]8;;javascript:hacked=1\x1b\\click\x1b]8;;\x1b\\ here",
		"\x1b]52;c;aGVsbG8=\x07copied",
		"nul\x00, bell\x07\x0f, del\x7f and \xff\xfe",
		"10%\r100%\r",
		"\u202eturned \x1b[2J\x1b[31mred\x1b[0m",
		strings.Repeat("x", 1<<20),
		"caf\u00e9",
	}
	want := []string{
		lines[0], "click here", "copied", "nul\u2400, bell\u2407, del\u2421 and \ufffd\ufffd", "100%", "\ufffdturned red",
		strings.Repeat("x", 20000) + "\u2026 show all 1,048,576 characters", "caf\u00e9",
	}
	page := serve(t, func(w http.ResponseWriter, r *http.Request) {
		last := frame(8, lines[7])
		half := strings.Index(last, "\u00e9") + 1
		if r.URL.Query().Get("from") == "" {
			for i, line := range lines[:7] {
				_, _ = io.WriteString(w, frame(i+1, line))
			}
			// The connection breaks within a character.
			_, _ = io.WriteString(w, last[:half])
			return
		}
		_, _ = io.WriteString(w, last[:half])
		flush(w)
		_, _ = io.WriteString(w, last[half:])
		_, _ = io.WriteString(w, "E{\"lines\":8,\"complete\":true,\"exitCode\":0}\n")
	})
	ctx, said := start(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.Poll[chromedp.Void](ended)); err != nil {
		t.Fatal(err)
	}
	got := ask[[]string](ctx, t, `[...document.querySelectorAll(".block > div")].map(e => e.textContent)`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log is shown otherwise (-want +got):\n%s", diff)
	}
	links := ask[int](ctx, t, `document.querySelectorAll(".lines a, .lines img, .lines script").length`)
	hacked := ask[bool](ctx, t, `"hacked" in window`)
	if links != 0 || hacked {
		t.Errorf("the log made %d elements of its own; its script ran: %t", links, hacked)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}

// TestRange opens a link to lines of a log that goes on.
func TestRange(t *testing.T) {
	more := make(chan struct{})
	page := serve(t, func(w http.ResponseWriter, r *http.Request) {
		write := func(from, to int) {
			for i := from; i <= to; i++ {
				_, _ = io.WriteString(w, frame(i, "a line"))
			}
			flush(w)
		}
		write(1, 1201)
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
		write(1202, 3000)
		_, _ = io.WriteString(w, "E{\"lines\":3000,\"complete\":true,\"exitCode\":1}\n")
	})
	ctx, said := start(t)
	const seen = `(() => { const r = document.getElementById("L1200")?.getBoundingClientRect(); return r && r.top > 0 && r.bottom < innerHeight })()`
	if err := chromedp.Do(ctx, chromedp.Navigate(page+"#L1200-L1203"), chromedp.Poll[chromedp.Void](seen)); err != nil {
		t.Fatal(err)
	}
	close(more)
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](ended)); err != nil {
		t.Fatal(err)
	}
	visible := ask[bool](ctx, t, seen)
	chosen := ask[[]string](ctx, t, `[...document.querySelectorAll(".chosen")].map(e => e.id)`)
	if !visible {
		t.Error("the page has scrolled away from the lines")
	}
	if diff := cmp.Diff([]string{"L1200", "L1201", "L1202", "L1203"}, chosen); diff != "" {
		t.Errorf("other lines are marked (-want +got):\n%s", diff)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}

// TestLongLog opens a log of more lines than a page holds.
func TestLongLog(t *testing.T) {
	const lines = 60000
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 1; i <= lines; i++ {
			_, _ = io.WriteString(w, frame(i, "a line"))
		}
		_, _ = io.WriteString(w, "E{\"lines\":60000,\"complete\":true,\"exitCode\":0}\n")
	})
	ctx, said := start(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(page+"#L59000"), chromedp.Poll[chromedp.Void](ended)); err != nil {
		t.Fatal(err)
	}
	const top = `(() => { const r = document.getElementById("L59000").getBoundingClientRect(); return r.top > 0 && r.bottom < innerHeight })()`
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](top)); err != nil {
		t.Fatalf("the line of the link isn't in sight: %v", err)
	}
	want := []string{"50000", "10,000 lines are left out here: lines 5001 to 15000 as text. Find looks through all of them.", "L5000", "L15001"}
	got := ask[[]string](ctx, t, `(() => { const gap = document.querySelector(".gap");
return [String(document.querySelectorAll(".block > div").length), gap.textContent, gap.previousElementSibling.lastElementChild.id, gap.nextElementSibling.firstElementChild.id] })()`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other lines are left out (-want +got):\n%s", diff)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}

// TestEndlessGroup opens a log whose group has more lines than a page holds.
func TestEndlessGroup(t *testing.T) {
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, frame(1, "::group::all"))
		for i := 2; i < 60000; i++ {
			_, _ = io.WriteString(w, frame(i, "a line"))
		}
		_, _ = io.WriteString(w, frame(60000, "::endgroup::"))
		_, _ = io.WriteString(w, "E{\"lines\":60000,\"complete\":true,\"exitCode\":0}\n")
	})
	ctx, said := start(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.Poll[chromedp.Void](ended)); err != nil {
		t.Fatal(err)
	}
	// All of the page but the group's begin and end.
	got := ask[string](ctx, t, `document.getElementById("L1").dataset.count`)
	if diff := cmp.Diff(" (49998 lines)", got); diff != "" {
		t.Errorf("the group holds other lines than the page (-want +got):\n%s", diff)
	}
	if texts := said.all(); len(texts) > 0 {
		t.Errorf("the browser complains: %q", texts)
	}
}

// TestErrorsBackwards asks for the error before the first one: the last.
func TestErrorsBackwards(t *testing.T) {
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 1; i <= 3; i++ {
			_, _ = io.WriteString(w, frame(i, "::error::wrong"))
		}
		_, _ = io.WriteString(w, "E{\"lines\":3,\"complete\":true,\"exitCode\":0}\n")
	})
	ctx, _ := start(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.Poll[chromedp.Void](ended), chromedp.KeyEvent("N")); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](ctx, t, `document.querySelector(".current")?.id ?? "none"`); got != "L3" {
		t.Errorf("it leads to %s instead of L3", got)
	}
}
