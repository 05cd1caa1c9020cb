package browser

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	testclock "k8s.io/utils/clock/testing"
)

var update = flag.Bool("update", false, "write the pictures of docs/images")

// maxImage is how many bytes a picture may have: the repository keeps each version of it.
const maxImage = 150 << 10

// picture is one that the documents show.
type picture struct {
	file, path string
	screen     screen
	// shown is true once all is there.
	shown string
}

func pictures() []picture {
	const log = `document.querySelector("#log .end")?.textContent.startsWith("Error")`
	large, dark, narrow := screen{1200, 800, "light", false}, screen{1200, 800, "dark", false}, screen{390, 844, "light", true}
	return []picture{
		{"runs.png", "/ns/ci", large, "true"},
		{"run.png", "/ns/ci/runs/web-push-failed", screen{1200, 1130, "light", false}, log},
		{"run-dark.png", "/ns/ci/runs/web-push-live", dark, "true"},
		{"run-narrow.png", "/ns/ci/runs/web-push-asking", narrow, "true"},
		{"pipeline.png", "/ns/ci/pipelines/web", large, "true"},
		{"log.png", "/ns/ci/runs/web-push-failed/jobs/test-go126", large, log},
	}
}

// TestImages renders the pictures of the documents, which name no other.
func TestImages(t *testing.T) {
	now := testclock.NewFakeClock(time.Now().Truncate(time.Hour))
	w := newWorld(t, newPlace(t, "ci", now, aged), now.Now())
	token := w.token(t, "anna", acts())
	ctx, _ := start(t)
	w.signIn(ctx, t, token, "/ns/ci")
	rendered := map[string]bool{}
	for _, p := range pictures() {
		rendered[p.file] = true
		if err := chromedp.Do(ctx, p.screen.emulate(), chromedp.Navigate(w.url+p.path), chromedp.Poll[chromedp.Void](p.shown)); err != nil {
			t.Fatalf("%s: %v", p.file, err)
		}
		data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		looksLike(t, p, data)
		if *update {
			if err := os.WriteFile(filepath.Join("..", "..", "docs", "images", p.file), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(rendered, kept(t)); diff != "" {
		t.Errorf("`make images` renders other pictures than docs/images has (-rendered +kept):\n%s", diff)
	}
	if diff := cmp.Diff(rendered, named(t)); diff != "" {
		t.Errorf("the documents name other pictures than are rendered (-rendered +named):\n%s", diff)
	}
}

// looksLike checks that a picture is of its size and isn't blank.
func looksLike(t *testing.T, p picture, data []byte) {
	t.Helper()
	got, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", p.file, err)
	}
	size := got.Bounds().Size()
	if int64(size.X) != p.screen.width || int64(size.Y) != p.screen.height || len(data) > maxImage {
		t.Errorf("%s has %s in %d bytes", p.file, size, len(data))
	}
	colours := map[[3]uint32]bool{}
	for x := range size.X {
		for y := range size.Y {
			r, g, b, _ := got.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	if len(colours) < 16 {
		t.Errorf("%s has %d colours: there is nothing on it", p.file, len(colours))
	}
}

// kept are the pictures of the repository.
func kept(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "images", "*"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		names[filepath.Base(file)] = true
	}
	return names
}

// named are the pictures that documents show.
func named(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range []string{"README.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range regexp.MustCompile(`images/([\w-]+\.png)`).FindAllSubmatch(text, -1) {
				names[string(match[1])] = true
			}
		}
	}
	return names
}
