package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link       = regexp.MustCompile(`\]\(([^) ]+)\)`)
	linkedText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	code       = regexp.MustCompile("`[^`\n]*`")
	unanchored = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks: what a document links to in this repository is there, its section
// included.
func TestLinks(t *testing.T) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(prose(string(text)), ""), -1) {
			checkLink(t, root, name, match[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkLink(t *testing.T, root fs.FS, name, to string) {
	t.Helper()
	if strings.Contains(to, "://") {
		return
	}
	file, section, sectioned := strings.Cut(to, "#")
	if file == "" {
		file = path.Base(name)
	}
	file = path.Join(path.Dir(name), file)
	if _, err := fs.Stat(root, file); err != nil {
		t.Errorf("%s: %s leads nowhere", name, to)
		return
	}
	if !sectioned {
		return
	}
	text, err := fs.ReadFile(root, file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(prose(string(text))) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' && anchor(heading) == section {
			return
		}
	}
	t.Errorf("%s: %s leads to no section", name, to)
}

// prose is a page without its fenced blocks.
func prose(markdown string) string {
	var kept strings.Builder
	fenced := false
	for line := range strings.Lines(markdown) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		} else if !fenced {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// anchor is the name that a heading has in links.
func anchor(heading string) string {
	text := linkedText.ReplaceAllString(strings.TrimSpace(heading), "$1")
	return strings.ReplaceAll(strings.ToLower(unanchored.ReplaceAllString(text, "")), " ", "-")
}
