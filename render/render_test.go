package render_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/kayci/kayci/render"
)

// repository writes files into a new folder. A value that begins with "-> " is
// the target of a symlink.
func repository(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func options(t testing.TB, dir string) render.Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return render.Options{Dir: dir, Namespace: "ci", Exec: []string{self, childArgument}}
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// rendered is File: Kind/name of each object, or the error's text.
func rendered(t testing.TB, opts render.Options) []string {
	t.Helper()
	result, err := render.Render(testContext(t), opts)
	if err != nil {
		return strings.Split(strings.ReplaceAll(err.Error(), opts.Dir, "DIR"), "\n")
	}
	lines := make([]string, len(result.Objects))
	for i, o := range result.Objects {
		lines[i] = o.File + ": " + o.Object.GetObjectKind().GroupVersionKind().Kind + "/" + o.Object.GetName()
	}
	return lines
}

func TestLibraryGolden(t *testing.T) {
	entries, err := filepath.Glob("testdata/library/*.jsonnet")
	if err != nil || len(entries) == 0 {
		t.Fatal("no entries", err)
	}
	for _, entry := range entries {
		t.Run(filepath.Base(entry), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(entry)
			if err != nil {
				t.Fatal(err)
			}
			result, err := render.Render(testContext(t), options(t, repository(t, map[string]string{"a.jsonnet": string(content)})))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, o := range result.Objects {
				text, err := yaml.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				got.WriteString("---\n" + string(text))
			}
			golden(t, strings.TrimSuffix(entry, ".jsonnet")+".golden.yaml", got.String())
		})
	}
}

// golden compares text with a file, or writes the file with -update.
func golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
