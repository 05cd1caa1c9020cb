package tests

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden is what is read of a file.
type golden struct {
	Said    string   `json:"said"`
	Summary Summary  `json:"summary"`
	Report  *Report  `json:"report"`
	IDs     []string `json:"ids"`
}

// TestTools reads what each tool writes of tests that pass, fail and are skipped.
func TestTools(t *testing.T) {
	t.Parallel()
	for _, path := range written(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var report, slowly Report
			report.Read(path, bytes.NewReader(file))
			slowly.Read(path, iotest.OneByteReader(bytes.NewReader(file)))
			if diff := cmp.Diff(report, slowly); diff != "" {
				t.Errorf("read byte by byte it differs (-at once +byte by byte):\n%s", diff)
			}
			compareGolden(t, strings.TrimSuffix(path, filepath.Ext(path))+".json", &report)
		})
	}
}

// written are the files of all tools.
func written(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*.xml", "testdata/*.jsonl"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal(pattern, err)
		}
		all = append(all, paths...)
	}
	return all
}

func compareGolden(t *testing.T, path string, report *Report) {
	t.Helper()
	got := golden{Summary: report.Summary(2), Report: report}
	got.Said = got.Summary.String()
	for _, c := range report.Cases {
		got.IDs = append(got.IDs, c.ID())
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
