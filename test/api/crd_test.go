package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// maxDefinition bounds a CRD, as the JSON that the API server stores. etcd takes
// 1.5 MB, and a helm release of all of them 1 MB.
const maxDefinition = 700_000

// The kinds embed Kubernetes' own Job template in several places: its
// descriptions would be most of a definition, several times over.
func TestDefinitionsStaySmall(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "charts", "kayci", "files", "crds", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := yaml.YAMLToJSON(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, stored); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if compact.Len() > maxDefinition {
			t.Errorf("%s has %d bytes as JSON, at most %d", filepath.Base(file), compact.Len(), maxDefinition)
		}
	}
}
