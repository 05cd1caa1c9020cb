package docs_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/kayci/kayci/api/v1alpha1"
)

// TestConfigRepoFields: the page about ConfigRepos has a row for each of their
// fields.
func TestConfigRepoFields(t *testing.T) {
	page, err := os.ReadFile("../../docs/configrepos.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for line := range strings.Lines(string(page)) {
		if cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| `") {
			rows.WriteString(cell)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[v1alpha1.ConfigRepoSpec](), reflect.TypeFor[v1alpha1.ConfigRepoStatus]()} {
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(rows.String(), "`"+name) {
				t.Errorf("%s.%s has no row", of.Name(), name)
			}
		}
	}
}
