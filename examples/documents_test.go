package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var jsonnetBlock = regexp.MustCompile("(?s)```jsonnet\n(.*?)```")

// TestDocumentedTriggers renders each Trigger that the documents show: there is one of
// each source at least, and admission takes it.
func TestDocumentedTriggers(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, page := range append(pages, "../README.md") {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range jsonnetBlock.FindAllStringSubmatch(string(content), -1) {
			// What begins with a Trigger is a list of them.
			if text := block[1]; strings.HasPrefix(text, "ci.trigger.") {
				shown += text
				folder := t.TempDir()
				if err := os.WriteFile(filepath.Join(folder, "shown.jsonnet"), []byte("local ci = import 'kayci.libsonnet'; [\n"+text+"\n]"), 0o600); err != nil {
					t.Fatal(err)
				}
				if names := rendered(t, folder); len(names) == 0 {
					t.Errorf("%s renders nothing of\n%s", page, text)
				}
			}
		}
	}
	for _, source := range []string{"github", "generic", "image", "schedule", "run", "poll"} {
		if !strings.Contains(shown, "ci.trigger."+source+"(") {
			t.Errorf("no document shows ci.trigger.%s", source)
		}
	}
}
