package bucket_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kayci/kayci/store/bucket"
)

// files are the paths of all that is below a folder.
func files(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if name, _ := strings.CutPrefix(path, root); name != "" {
			found = append(found, name[1:])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFiles: an object is a file of its name, and what is put leaves nothing else.
func TestFiles(t *testing.T) {
	t.Parallel()
	b, path := folder(t)
	put(t, b, "a/b/c", "d")
	if err := b.Put(t.Context(), "a/b/c", []byte("again")); err == nil {
		t.Error("it was put twice")
	}
	if err := b.Put(t.Context(), "d/e/f", nil); err == nil || !strings.Contains(err.Error(), "what would be its folder is an object") {
		t.Errorf("put below an object: %v", err)
	}
	if diff := cmp.Diff([]string{".tmp", "a", "a/b", "a/b/c", "d"}, files(t, path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestLeftovers: a crash leaves temporary files. The old ones go at the next start;
// a young one may be another process's.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	b, path := folder(t)
	put(t, b, "a/b")
	old := time.Now().Add(-2 * time.Hour)
	for name, modified := range map[string]time.Time{".tmp/old": old, ".tmp/young": time.Now()} {
		if err := os.WriteFile(filepath.Join(path, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(path, name), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(path, "a/b"), old, old); err != nil {
		t.Fatal(err)
	}
	again, err := bucket.NewFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if diff := cmp.Diff([]string{".tmp", ".tmp/young", "a", "a/b"}, files(t, path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a/b"}, list(t, again)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// TestForeign: what others put into the folder is no object, and leads nowhere.
func TestForeign(t *testing.T) {
	t.Parallel()
	b, path := folder(t)
	put(t, b, "ns/log")
	outside := t.TempDir()
	for name, target := range map[string]string{"ns/out": outside, "ns/file": filepath.Join(outside, "file"), "ns/up": "../.."} {
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(path, "ns/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ns/file", "ns/out/file", "ns/pipe", "ns/up/x"} {
		if _, err := get(t, b, name, 0, -1); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for _, name := range []string{"ns/out/new", "ns/file", "ns/up/new"} {
		if err := b.Put(t.Context(), name, nil); err == nil {
			t.Errorf("%s was put", name)
		}
	}
	if err := b.Delete(t.Context(), "ns/out/file"); err == nil {
		t.Error("what is outside was deleted")
	}
	if diff := cmp.Diff([]string{"file"}, files(t, outside)); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ns/log"}, list(t, b)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	folders, err := b.Folders(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ns"}, folders); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.NewFolder(file); err == nil || !strings.HasPrefix(err.Error(), "open the store's folder "+file+": ") {
		t.Errorf("it says %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	path := b.TempDir()
	f, err := bucket.NewFolder(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for i := 0; b.Loop(); i++ {
		if err := f.Put(b.Context(), "ns/pipeline/run/job/pod/container/"+time.Unix(int64(i), 0).UTC().Format("150405.000000"), []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOldProbes: what a check has left that broke off is deleted by a later one.
func TestOldProbes(t *testing.T) {
	t.Parallel()
	b, path := folder(t)
	put(t, b, ".check-old", ".check-young", ".chec")
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{".check-old", ".chec"} {
		if err := os.Chtimes(filepath.Join(path, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{".chec", ".check-young"}, list(t, b)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// FuzzList: a list is what is left of all names, sorted.
func FuzzList(f *testing.F) {
	f.Add("a/b a-b a.b a0 b/a/c", "a", "a-", uint8(2))
	f.Add("a/b/c a/b-c a/b0 a/b.c", "a/b", "a/b/", uint8(0))
	f.Fuzz(func(t *testing.T, all, prefix, after string, limit uint8) {
		b, _ := folder(t)
		var want []string
		for name := range strings.FieldsSeq(all) {
			if b.Put(t.Context(), name, nil) == nil && strings.HasPrefix(name, prefix) && name > after {
				want = append(want, name)
			}
		}
		objects, err := b.List(t.Context(), prefix, after, int(limit))
		if err != nil {
			t.Skip("it isn't asked for what no name begins with")
		}
		slices.Sort(want)
		if limit > 0 {
			want = want[:min(int(limit), len(want))]
		}
		if diff := cmp.Diff(want, names(objects), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
}
