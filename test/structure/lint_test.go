package structure_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// vetting is what the linter is told of go vet's checks.
type vetting struct {
	Run struct {
		Tests *bool `json:"tests"`
	} `json:"run"`
	Linters struct {
		Enable   []string `json:"enable"`
		Settings struct {
			Govet struct {
				EnableAll bool     `json:"enable-all"`
				Disable   []string `json:"disable"`
			} `json:"govet"`
		} `json:"settings"`
		Exclusions struct {
			Rules []struct {
				Linters []string `json:"linters"`
			} `json:"rules"`
		} `json:"exclusions"`
	} `json:"linters"`
}

// TestTheLinterVets: the Makefile has `go test` leave go vet to the linter, which must
// look for all that it would, in tests as well.
func TestTheLinterVets(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(makefile), " -vet=off") {
		t.Fatal("the Makefile has go test vet: this test isn't needed any more")
	}
	file, err := os.ReadFile("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var got vetting
	if err := yaml.Unmarshal(file, &got); err != nil {
		t.Fatal(err)
	}
	// go test knows neither of these two.
	if diff := cmp.Diff([]string{"fieldalignment", "shadow"}, got.Linters.Settings.Govet.Disable); diff != "" || !got.Linters.Settings.Govet.EnableAll {
		t.Errorf("of govet not all is enabled (-want +got):\n%s", diff)
	}
	linters := " " + strings.Join(got.Linters.Enable, " ") + " "
	if !strings.Contains(linters, " govet ") || got.Run.Tests != nil && !*got.Run.Tests {
		t.Error("govet isn't enabled, or not for tests")
	}
	for _, rule := range got.Linters.Exclusions.Rules {
		if strings.Contains(strings.Join(rule.Linters, " "), "govet") || len(rule.Linters) == 0 {
			t.Errorf("a rule keeps what govet finds from being told: %+v", rule)
		}
	}
}
