package docs_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var packageRow = regexp.MustCompile("^\\| ((?:`[a-z0-9/]+`(?:, )?)+) \\| ")

// TestArchitecture: the map names each package of the program, and none that isn't
// there.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for line := range strings.Lines(string(page)) {
		if row := packageRow.FindStringSubmatch(line); row != nil {
			named = append(named, strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")...)
		}
	}
	slices.Sort(named)
	if diff := cmp.Diff(packages(t, "../.."), named); diff != "" {
		t.Errorf("packages (-of the code +of docs/architecture.md):\n%s", diff)
	}
}

// packages returns the folders with Go files of the main module, but those of tests.
func packages(t *testing.T, root string) []string {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, missing := os.Stat(filepath.Join(path, "go.mod"))
			if name := entry.Name(); path != root && (missing == nil || name == "testdata" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if strings.HasSuffix(path, ".go") && !strings.HasPrefix(dir, "test/") {
			found[dir] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}
