package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kayci/kayci/store/archive"
)

var plenty = archive.Limits{Files: 1000, Bytes: 1 << 30, ManifestBytes: 1 << 20}

// day is when the files of tests were changed.
var day = time.Unix(1_700_000_000, 123_456_789)

// tree is a folder: of each path what ls and cat show. Folders' end in a slash.
type tree map[string]string

// file, folder and link are what a tree shows.
func file(mode fs.FileMode, body string) string { return fmt.Sprintf("%o %s", mode, body) }
func folder(mode fs.FileMode) string            { return fmt.Sprintf("%o /", mode) }
func link(target string) string                 { return "-> " + target }

func makeFolder(t testing.TB) *os.Root {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		// Folders that are closed would stay.
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, _ error) error {
			if entry != nil && entry.IsDir() {
				return os.Chmod(path, 0o700)
			}
			return nil
		})
	})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// plant makes what a tree shows, and sets its times.
func plant(t testing.TB, made tree) *os.Root {
	t.Helper()
	root := makeFolder(t)
	// Names sorted backwards have a folder behind what is in it, which it may be closed for.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(made))) {
		if err := plantOne(root, name, made[name]); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func plantOne(root *os.Root, name, what string) error {
	if err := root.MkdirAll(filepath.Dir(strings.TrimSuffix(name, "/")), 0o755); err != nil {
		return err
	}
	if target, is := strings.CutPrefix(what, "-> "); is {
		return root.Symlink(target, name)
	}
	bits, body, _ := strings.Cut(what, " ")
	var mode fs.FileMode
	if _, err := fmt.Sscanf(bits, "%o", &mode); err != nil {
		return err
	}
	var err error
	if strings.HasSuffix(name, "/") {
		err = root.MkdirAll(name, 0o755)
	} else {
		err = root.WriteFile(name, []byte(body), 0o600)
	}
	return errors.Join(err, root.Chmod(name, mode), root.Chtimes(name, day, day))
}

// look shows a folder.
func look(t testing.TB, root *os.Root) tree {
	t.Helper()
	seen := tree{}
	err := fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := root.Lstat(name)
		switch {
		case err != nil:
		case info.IsDir():
			seen[name+"/"] = folder(info.Mode())
		case info.Mode().Type() == fs.ModeSymlink:
			var target string
			target, err = root.Readlink(name)
			seen[name] = link(target)
		default:
			var body []byte
			body, err = root.ReadFile(name)
			seen[name] = file(info.Mode(), string(body))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, what := range seen {
		seen[name] = strings.Replace(what, "20000000", "", 1)
	}
	return seen
}

// shelf keeps parts.
type shelf struct {
	mutex sync.Mutex
	parts map[int][]byte
	// asked are the parts that were read.
	asked []int
}

func newShelf() *shelf { return &shelf{parts: map[int][]byte{}} }

func (s *shelf) put(_ context.Context, n int, data []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.parts[n] = bytes.Clone(data)
	return nil
}

func (s *shelf) get(_ context.Context, n int) (io.ReadCloser, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.asked = append(s.asked, n)
	data, is := s.parts[n]
	if !is {
		return nil, errors.New("it isn't there")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// joined are the raw bytes of all parts, decompressed each by itself.
func (s *shelf) joined(t testing.TB) []byte {
	t.Helper()
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	var raw []byte
	for n := range len(s.parts) {
		if raw, err = decoder.DecodeAll(s.parts[n], raw); err != nil {
			t.Fatal(err)
		}
	}
	return raw
}

func pack(t testing.TB, root *os.Root, patterns ...string) (*archive.Manifest, *shelf) {
	t.Helper()
	s := newShelf()
	m, err := archive.Pack(t.Context(), root, patterns, plenty, s.put)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(plenty); err != nil {
		t.Fatal(err)
	}
	return m, s
}

// noise can't be compressed.
func noise(size int) string {
	random := rand.NewChaCha8([32]byte{1})
	body := make([]byte, size)
	_, _ = random.Read(body)
	return string(body)
}
