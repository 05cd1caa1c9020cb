package chart_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestReadmeListsEveryValue compares the README's table with values.yaml: the
// same values, each with its real default and a sentence.
func TestReadmeListsEveryValue(t *testing.T) {
	data := read(t, "values.yaml")
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	flatten(t, "", values, want)

	got := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.]+)` \\| `(.*?)` \\| .+ \\|$")
	for _, match := range row.FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		var value any
		if err := json.Unmarshal([]byte(match[2]), &value); err != nil {
			t.Fatalf("default of %s: %v", match[1], err)
		}
		got[match[1]] = text(t, value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values in README.md (-values.yaml +README.md):\n%s", diff)
	}
	if comments := strings.Count(string(data), "# -- "); comments != len(want) {
		t.Errorf("values.yaml has %d values but %d comments that begin with `# -- `", len(want), comments)
	}
}

// TestSchemaDescribesEveryValue compares what editors show with the README.
func TestSchemaDescribesEveryValue(t *testing.T) {
	type node struct {
		Description string           `json:"description"`
		Properties  map[string]*node `json:"properties"`
	}
	schema := &node{}
	if err := json.Unmarshal(read(t, "values.schema.json"), schema); err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z0-9.]+)` \\| `.*?` \\| (.+) \\|$")
	for _, match := range row.FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		described := schema
		for name := range strings.SplitSeq(match[1], ".") {
			if described = described.Properties[name]; described == nil {
				t.Fatalf("values.schema.json has no %s", match[1])
			}
		}
		if diff := cmp.Diff(match[2], described.Description); diff != "" {
			t.Errorf("description of %s (-README.md +values.schema.json):\n%s", match[1], diff)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(chartFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// flatten collects the values that a user sets as one: resources are a value,
// an image is a group of them.
func flatten(t *testing.T, prefix string, values map[string]any, into map[string]string) {
	t.Helper()
	for name, value := range values {
		path := strings.TrimPrefix(prefix+"."+name, ".")
		group, ok := value.(map[string]any)
		if ok && len(group) > 0 && name != "resources" && !strings.HasSuffix(path, "ecurityContext") {
			flatten(t, path, group, into)
			continue
		}
		into[path] = text(t, value)
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
