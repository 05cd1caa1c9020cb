package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
)

// everyPage is a page of each kind, below the namespace or at the root.
func everyPage(namespace string) map[string]string {
	ns := "/ns/" + namespace
	return map[string]string{
		"namespaces": "/", "help": "/help", "nowhere": "/nowhere", "runs": ns, "pipeline": ns + "/pipelines/web",
		"a Run that has failed": ns + "/runs/web-push-failed", "a Run that asks": ns + "/runs/web-push-asking", "a Run that goes on": ns + "/runs/web-push-live",
		"a log": ns + "/runs/web-push-failed/jobs/test-go126", "a log that goes on": ns + "/runs/web-push-live/jobs/test-go125",
		"a job without a log": ns + "/runs/web-push-asking/jobs/publish", "ConfigRepo": ns + "/configrepos/pipelines", "Trigger": ns + "/triggers/web-push",
	}
}

// screen is how a page is looked at.
type screen struct {
	width, height int64
	// scheme is dark or light.
	scheme string
	touch  bool
}

// screens are a large one and one in the hand, by day and by night.
func screens() []screen {
	return []screen{{1200, 800, "light", false}, {1200, 800, "dark", false}, {390, 844, "light", true}, {390, 844, "dark", true}}
}

// emulate has the browser take itself for that screen. Nothing moves on it.
func (s screen) emulate() chromedp.Action[chromedp.Void] {
	viewport := chromedp.EmulateViewport(s.width, s.height)
	if s.touch {
		viewport = chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateTouch, chromedp.EmulateMobile)
	}
	media := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
	return chromedp.Steps(viewport, media)
}

// violation is what axe-core finds.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// TestAccessible: nobody is kept out of a page by what axe-core calls serious or critical,
// and no page is wider than its screen.
func TestAccessible(t *testing.T) {
	source, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		unless(t, "AXE", "fetches axe-core and sets it")
	}
	w := newWorld(t, newPlace(t, "axe", clock.RealClock{}), clock.RealClock{}.Now())
	token := w.token(t, "anna", acts())
	ctx, _ := start(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(w.url+"/login")); err != nil {
		t.Fatal(err)
	}
	for _, screen := range screens() {
		if err := chromedp.Do(ctx, screen.emulate()); err != nil {
			t.Fatal(err)
		}
		accessible(ctx, t, string(source), fmt.Sprintf("sign in, %+v", screen))
	}
	w.signIn(ctx, t, token, "/ns/axe")
	for name, path := range everyPage("axe") {
		if err := chromedp.Do(ctx, chromedp.Navigate(w.url+path)); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "a log") {
			if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](`document.querySelectorAll("#log .block > div").length > 1`)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, screen := range screens() {
			if err := chromedp.Do(ctx, screen.emulate()); err != nil {
				t.Fatal(err)
			}
			accessible(ctx, t, string(source), fmt.Sprintf("%s, %+v", name, screen))
		}
	}
}

// accessible checks the page that is shown.
func accessible(ctx context.Context, t *testing.T, source, what string) {
	t.Helper()
	const check = `axe.run({resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.filter(v => ["serious", "critical"].includes(v.impact))))`
	// The policy of the page keeps scripts out, but not what is evaluated as by a debugger.
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`"axe" in window || (() => {`+source+`})(); `+check, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		for _, node := range v.Nodes {
			t.Errorf("%s: %s (%s): %s\n%s\n%s", what, v.ID, v.Impact, v.Help, node.HTML, node.FailureSummary)
		}
	}
	const wide = `[document.scrollingElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("main button, main input, main select")].filter(e => e.getClientRects().length && e.type !== "hidden" && e.type !== "checkbox" && !e.closest(".lines") && e.getBoundingClientRect().height < 24).map(e => e.getBoundingClientRect().height)]`
	if diff := cmp.Diff([]int{0}, ask[[]int](ctx, t, wide)); diff != "" {
		t.Errorf("%s: it is wider than the screen, or something is too small to be touched (-want +got):\n%s", what, diff)
	}
}
