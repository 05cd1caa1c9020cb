package archive_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/kayci/kayci/store/archive"
)

// FuzzUntar: whatever a tar says, what comes of it is within limits and within the
// folder.
func FuzzUntar(f *testing.F) {
	m, s := pack(f, plant(f, tree{"a/": folder(0o755), "a/b": file(0o644, "text"), "l": link("a/b")}), "**")
	var text bytes.Buffer
	if err := archive.Tar(f.Context(), &text, m, s.get); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add(bytes.Replace(text.Bytes(), []byte("a/b"), []byte("../"), 2))
	f.Add(text.Bytes()[:600])
	limits := archive.Limits{Files: 10, Bytes: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := makeFolder(t)
		if err := outer.Mkdir("in", 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := outer.OpenRoot("in")
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		files, size, err := archive.Untar(t.Context(), root, bytes.NewReader(data), limits)
		if err == nil && (files > limits.Files || size > limits.Bytes) {
			t.Errorf("%d files of %d bytes", files, size)
		}
		entries, err := os.ReadDir(outer.Name())
		if err != nil || len(entries) != 1 {
			t.Errorf("beside the folder: %v, %v", entries, err)
		}
	})
}
