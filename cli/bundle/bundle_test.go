package bundle_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/cli/bundle"
)

func content(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// TestBundle: both kinds hold the same files, and none leads out of them.
func TestBundle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"web-1", "web-1" + bundle.Suffix} {
		at := filepath.Join(dir, name)
		target, err := bundle.Create(at, time.Unix(1000, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(target.Put("run.yaml", content("a")), target.Put("logs/build-1/main.log", content("b"))); err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{"../../x", "/tmp/x", "logs/../../x"} {
			if target.Put(out, content("x")) == nil {
				t.Errorf("%s: %s is written", name, out)
			}
		}
		full := errors.New("full")
		if err := target.Put("half", func(io.Writer) error { return full }); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
		if err := target.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.Create(at, time.Now()); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s is written over: %v", name, err)
		}
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, "web-1", name))
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	want := map[string]string{"web-1/run.yaml": read("run.yaml"), "web-1/logs/build-1/main.log": read("logs/build-1/main.log")}
	if diff := cmp.Diff(map[string]string{"web-1/run.yaml": "a", "web-1/logs/build-1/main.log": "b"}, want); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, unpacked(t, filepath.Join(dir, "web-1"+bundle.Suffix))); diff != "" {
		t.Errorf("the archive (-want +got):\n%s", diff)
	}
}

func unpacked(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for reader := tar.NewReader(packed); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(data)
	}
}

// TestDiscard: nothing is left.
func TestDiscard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"web-1", "web-1" + bundle.Suffix} {
		target, err := bundle.Create(filepath.Join(dir, name), time.Unix(1000, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := target.Put("run.yaml", content("a")); err != nil {
			t.Error(err)
		}
		target.Discard()
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are left", err, left)
	}
}
