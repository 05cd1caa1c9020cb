package archive_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/store/archive"
)

// TestPatterns: what is packed.
func TestPatterns(t *testing.T) {
	t.Parallel()
	root := plant(t, tree{
		"a.xml": file(0o644, ""), "dist/app": file(0o644, ""), "dist/sub/x.xml": file(0o644, ""), "dist/sub/deep/y.xml": file(0o644, ""),
		"reports/a.xml": file(0o644, ""), "reports/b.txt": file(0o644, ""), "reports/tmp/c.xml": file(0o644, ""), ".hidden/h": file(0o644, ""),
		"folder.xml/in": file(0o644, ""), "nothing/": folder(0o755), "link": link("dist"), "[odd]": file(0o644, ""),
	})
	if err := syscall.Mkfifo(filepath.Join(root.Name(), "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	tooMany := make([]string, 65)
	for i := range tooMany {
		tooMany[i] = "a"
	}
	for _, tt := range []struct {
		name     string
		patterns []string
		want     []string
		fails    string
	}{
		{name: "a file", patterns: []string{"dist/app"}, want: []string{"dist/app"}},
		{name: "a folder", patterns: []string{"dist/sub"}, want: []string{"dist/sub/", "dist/sub/deep/", "dist/sub/deep/y.xml", "dist/sub/x.xml"}},
		{name: "a folder, written otherwise", patterns: []string{"./dist//sub/"}, want: []string{"dist/sub/", "dist/sub/deep/", "dist/sub/deep/y.xml", "dist/sub/x.xml"}},
		{name: "all below", patterns: []string{"dist/**"}, want: []string{"dist/", "dist/app", "dist/sub/", "dist/sub/deep/", "dist/sub/deep/y.xml", "dist/sub/x.xml"}},
		{name: "files of a folder", patterns: []string{"reports/*.xml"}, want: []string{"reports/a.xml"}},
		{name: "all but some", patterns: []string{"reports/**", "!reports/tmp/**"}, want: []string{"reports/", "reports/a.xml", "reports/b.txt"}},
		{name: "a folder is left out", patterns: []string{"!reports/tmp", "reports/"}, want: []string{"reports/", "reports/a.xml", "reports/b.txt"}},
		{name: "by name, anywhere", patterns: []string{"**/*.xml"}, want: []string{"a.xml", "dist/sub/deep/y.xml", "dist/sub/x.xml", "folder.xml/", "folder.xml/in", "reports/a.xml", "reports/tmp/c.xml"}},
		{name: "by alternatives", patterns: []string{"{dist/sub,reports}/*.{xml,txt}"}, want: []string{"dist/sub/x.xml", "reports/a.xml", "reports/b.txt"}},
		{name: "hidden", patterns: []string{".*/*"}, want: []string{".hidden/h"}},
		{name: "a link isn't followed", patterns: []string{"link/**", "link/app"}, want: []string{"link"}},
		{name: "an odd name", patterns: []string{`\[odd\]`}, want: []string{"[odd]"}},
		{name: "everything but", patterns: []string{".", "!pipe", "!**/*.xml", "!dist"}, want: []string{".hidden/", ".hidden/h", "[odd]", "link", "nothing/", "reports/", "reports/b.txt", "reports/tmp/"}},
		{name: "twice", patterns: []string{"a.xml", "*.xml", "!folder.xml"}, want: []string{"a.xml"}},
		{name: "no file", patterns: []string{"*.json", "dist/nope"}, fails: "the patterns match no file"},
		{name: "below a file", patterns: []string{"a.xml/**/x"}, fails: "the patterns match no file"},
		{name: "only a folder", patterns: []string{"nothing"}, fails: "the patterns match no file"},
		{name: "all left out", patterns: []string{"dist", "!**"}, fails: "the patterns match no file"},
		{name: "no pattern", fails: "there is no pattern of what to take"},
		{name: "nothing to take", patterns: []string{"!a"}, fails: "there is no pattern of what to take"},
		{name: "empty", patterns: []string{""}, fails: `"" is no pattern of paths`},
		{name: "left open", patterns: []string{"a[b"}, fails: `"a[b" is no pattern of paths`},
		{name: "no UTF-8", patterns: []string{"a\xff"}, fails: `"a\xff" is no pattern of paths`},
		{name: "absolute", patterns: []string{"/dist"}, fails: `the pattern "/dist" must be of paths below the folder`},
		{name: "up", patterns: []string{"dist/../.."}, fails: `the pattern "dist/../.." must be of paths below the folder`},
		{name: "up behind stars", patterns: []string{"**/../x"}, fails: `the pattern "**/../x" must be of paths below the folder`},
		{name: "too many", patterns: tooMany, fails: "there are 65 patterns, more than 64"},
		{name: "too long", patterns: []string{strings.Repeat("a", 1025)}, fails: fmt.Sprintf("the pattern %q… has 1025 bytes, more than 1024", strings.Repeat("a", 100))},
		{name: "too many braces", patterns: []string{strings.Repeat("{a,b}", 5)}, fails: `the pattern "{a,b}{a,b}{a,b}{a,b}{a,b}" has more than 4 braces or 16 commas: write several patterns`},
		{name: "a pipe", patterns: []string{"p*"}, fails: `"pipe" is a named pipe, and only files, folders and symbolic links can be kept: exclude it`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf()
			m, err := archive.Pack(t.Context(), root, tt.patterns, plenty, s.put)
			if said(err) != tt.fails || err != nil && len(s.parts) > 0 {
				t.Errorf("it says %v, with %d parts", err, len(s.parts))
			}
			if diff := cmp.Diff(tt.want, paths(m)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := archive.Pack(t.Context(), root, []string{"nope"}, plenty, nil); !errors.Is(err, archive.ErrNothing) {
		t.Errorf("it says %v", err)
	}
}

// paths are those of a manifest, if there is one. Folders' end in a slash.
func paths(m *archive.Manifest) []string {
	if m == nil {
		return nil
	}
	var paths []string
	for _, f := range m.Files {
		if f.Folder {
			f.Path += "/"
		}
		paths = append(paths, f.Path)
	}
	return paths
}

// TestRefused: what can't be kept is named, and limits hold before anything is read.
func TestRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", 128) + "f"
	for _, tt := range []struct {
		name   string
		files  tree
		make   func(dir string) error
		limits func(*archive.Limits)
		fails  string
	}{
		{name: "an absolute link", files: tree{"a/l": link("/etc/passwd")}, fails: `"a/l": the symbolic link leads to the absolute path "/etc/passwd", so it can't be kept: make it relative or exclude it`},
		{name: "a link out", files: tree{"a/l": link("../../x")}, fails: `"a/l": the symbolic link may lead out of the folder, to "../../x", so it can't be kept: exclude it`},
		{name: "a link out by another", files: tree{"a/l": link("b/../x")}, fails: `"a/l": the symbolic link may lead out of the folder, to "b/../x", so it can't be kept: exclude it`},
		{name: "a link to no UTF-8", files: tree{"l": link("\xff")}, fails: `"l": the symbolic link leads to no name of UTF-8 and 4096 bytes, so it can't be kept: exclude it`},
		{name: "a name of no UTF-8", files: tree{"a/\xff\n": file(0o644, "")}, fails: `"a/\xff\n": the name isn't UTF-8, so it can't be kept: rename or exclude it`},
		{name: "a socket", make: func(dir string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			return l.Close()
		}, fails: `"s" is a socket, and only files, folders and symbolic links can be kept: exclude it`},
		{name: "too deep", files: tree{deep: file(0o644, "")}, fails: fmt.Sprintf("%.200q… is in more than 127 folders: exclude it", strings.TrimSuffix(deep, "/f"))},
		{name: "a sparse file", files: tree{"a": file(0o644, "1")}, make: func(dir string) error {
			return os.Truncate(filepath.Join(dir, "a"), 100<<30)
		}, fails: `the files have more than 1073741824 bytes together, with the 107374182400 of "a"`},
		{name: "too many bytes together", files: tree{"a": file(0o644, "12345"), "b": file(0o644, "123456")}, limits: func(l *archive.Limits) { l.Bytes = 10 }, fails: "the files have more than 10 bytes together"},
		{name: "too many files", files: tree{"a/b": file(0o644, ""), "c": file(0o644, "")}, limits: func(l *archive.Limits) { l.Files = 2 }, fails: "there are more than 2 files, folders and links"},
		{name: "too long a list", files: tree{"a": file(0o644, ""), "b": file(0o644, "")}, limits: func(l *archive.Limits) { l.ManifestBytes = 100 }, fails: "the list of 2 files has 138 bytes, more than 100: keep fewer, or files within one archive of your own"},
		{name: "no limits", files: tree{"a": file(0o644, "")}, limits: func(l *archive.Limits) { *l = archive.Limits{} }, fails: "there are more than 0 files, folders and links"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := plant(t, tt.files)
			if tt.make != nil {
				if err := tt.make(root.Name()); err != nil {
					t.Fatal(err)
				}
			}
			limits := plenty
			if tt.limits != nil {
				tt.limits(&limits)
			}
			s := newShelf()
			_, err := archive.Pack(t.Context(), root, []string{"**"}, limits, s.put)
			if !strings.HasPrefix(fmt.Sprint(err), tt.fails) {
				t.Errorf("it says %v", err)
			}
			if len(s.parts) > 0 {
				t.Error("something was put")
			}
		})
	}
}
