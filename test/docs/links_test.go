package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kayci/kayci/test/docs"
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

var (
	made   = regexp.MustCompile("(?m)^`?make ([a-z][a-z0-9 -]*)")
	target = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

// TestMakeTargets: a target that a document names is one of the Makefile's.
func TestMakeTargets(t *testing.T) {
	root := os.DirFS("../..")
	makefile, err := fs.ReadFile(root, "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, match := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets[match[1]] = true
	}
	named := 0
	err = fs.WalkDir(root, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		page, err := docs.Read(name, string(text))
		if err != nil {
			return err
		}
		commands := append(code.FindAllString(prose(string(text)), -1), page.Script(nil))
		for _, match := range made.FindAllStringSubmatch(strings.Join(commands, "\n"), -1) {
			for word := range strings.FieldsSeq(match[1]) {
				named++
				if !targets[word] {
					t.Errorf("%s: the Makefile has no target %s", name, word)
				}
			}
		}
		return nil
	})
	if err != nil || named == 0 {
		t.Fatalf("%d targets are named: %v", named, err)
	}
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
