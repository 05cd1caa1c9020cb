package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

const tag = "docker.io/library/test:1"

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// source lays out a folder of this machine.
func source(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bin/tool"), "#!", 0o700)
	write(t, filepath.Join(dir, "lib/text"), "text", 0o600)
	write(t, filepath.Join(dir, "testdata/skipped"), "", 0o600)
	if err := os.Symlink("tool", filepath.Join(dir, "bin/link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// assemble returns an image of the folder; shift changes the order in which its
// files are added.
func assemble(t *testing.T, dir string, shift int) Image {
	t.Helper()
	tree := NewTree()
	steps := []func() error{
		func() error { tree.Text("/etc/passwd", "root"); return nil },
		func() error { tree.Dir("/tmp", 0o1777, 0); return nil },
		func() error {
			return tree.Copy("/opt", dir, func(path string, _ fs.DirEntry) bool { return path == "testdata" })
		},
	}
	for i := range steps {
		if err := steps[(i+shift)%len(steps)](); err != nil {
			t.Fatal(err)
		}
	}
	return Image{Tree: tree, Config: v1.Config{User: "1:1", Env: []string{"A=b"}}}
}

func TestTree(t *testing.T) {
	var out bytes.Buffer
	if err := assemble(t, source(t), 0).Tree.write(&out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) {
			t.Errorf("%s is of %s", h.Name, h.ModTime)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%c %04o %s %s%s", h.Typeflag, h.Mode, h.Name, h.Linkname, text))
	}
	want := []string{
		"5 0755 etc/ ",
		"0 0644 etc/passwd root",
		"5 0755 opt/ ",
		"5 0755 opt/bin/ ",
		"2 0777 opt/bin/link tool",
		"0 0755 opt/bin/tool #!",
		"5 0755 opt/lib/ ",
		"0 0644 opt/lib/text text",
		"5 1777 tmp/ ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestSameBytes saves an image twice, without and with the cache of another, its
// files added in another order and touched.
func TestSameBytes(t *testing.T) {
	dir, work := source(t), t.TempDir()
	var first []byte
	for i, cache := range []string{"a", "b", "b"} {
		output := filepath.Join(work, "image.tar")
		if err := assemble(t, dir, i).Save(tag, output, filepath.Join(work, cache)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Errorf("image %d differs from the first", i)
		}
		later := time.Now().Add(time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "bin/tool"), later, later); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSave(t *testing.T) {
	dir, work := source(t), t.TempDir()
	output := filepath.Join(work, "image.tar")
	if err := assemble(t, dir, 0).Save(tag, output, filepath.Join(work, "cache")); err != nil {
		t.Fatal(err)
	}
	reference, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(output, &reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v1.Config{User: "1:1", Env: []string{"A=b"}}, file.Config); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestKey changes one thing at a time: each must give another tar than cached.
func TestKey(t *testing.T) {
	dir := source(t)
	keys := map[string]string{}
	add := func(what, tag string, img Image) {
		t.Helper()
		key, err := img.key(tag)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := keys[key]; ok {
			t.Errorf("%s has the same key as %s", what, other)
		}
		keys[key] = what
	}
	add("the image", "a:1", assemble(t, dir, 0))
	add("another tag", "a:2", assemble(t, dir, 0))
	img := assemble(t, dir, 0)
	img.Config.User = "2:2"
	add("another user", "a:1", img)
	img = assemble(t, dir, 0)
	img.Tree.Text("/etc/passwd", "toor")
	add("another text", "a:1", img)
	img = assemble(t, dir, 0)
	img.Tree.Dir("/tmp", 0o755, 0)
	add("another mode", "a:1", img)
	write(t, filepath.Join(dir, "lib/text"), "longer text", 0o600)
	add("another file", "a:1", assemble(t, dir, 0))
}

func TestSaveRefuses(t *testing.T) {
	work := t.TempDir()
	output := filepath.Join(work, "image.tar")
	if err := assemble(t, source(t), 0).Save("Not A Tag", output, work); err == nil {
		t.Error("a tag with spaces is accepted")
	}
	dir := source(t)
	img := assemble(t, dir, 0)
	if err := os.Remove(filepath.Join(dir, "bin/tool")); err != nil {
		t.Fatal(err)
	}
	if err := img.Save(tag, output, work); err == nil {
		t.Error("a file that has gone is not missed")
	}
	if left, err := filepath.Glob(filepath.Join(work, "*.tar")); err != nil || len(left) > 0 {
		t.Errorf("half an image is left: %v, %v", left, err)
	}
}

func TestParseLDD(t *testing.T) {
	const text = `/usr/bin/git:
	linux-vdso.so.1 (0x00007fc77f2e5000)
	libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007fc77f21b000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fc77ec1e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007fc77f2e7000)
/usr/lib/git-core/git-daemon:
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007efeb95ff000)
`
	got, err := parseLDD(text)
	want := []string{"/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := parseLDD("	libz.so.1 => not found\n"); err == nil {
		t.Error("a missing library is not missed")
	}
}
