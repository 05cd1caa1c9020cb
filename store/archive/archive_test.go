package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/store/archive"
)

func project() tree {
	return tree{
		"dist/":                                  folder(0o755),
		"dist/app":                               file(0o755, "program"),
		"dist/big":                               file(0o644, noise(20<<20)),
		"dist/current":                           link("../dist/app"),
		"dist/empty":                             file(0o600, ""),
		"dist/mod/":                              folder(0o555),
		"dist/mod/go.mod":                        file(0o444, "module x"),
		"dist/none/":                             folder(0o700),
		"dist/ü \"x\"\n":                         file(0o640, "odd name"),
		"dist/" + strings.Repeat("l", 200) + "/": folder(0o755),
		"dist/" + strings.Repeat("l", 200) + "/" + strings.Repeat("n", 200): file(0o644, "long name"),
		"reports/":      folder(0o755),
		"reports/a.xml": file(0o644, "<a/>"),
	}
}

// TestManifest: all that a manifest says.
func TestManifest(t *testing.T) {
	t.Parallel()
	root := plant(t, tree{
		"a/":    folder(0o750),
		"a/b":   file(0o640, "0123456789"),
		"a-c":   file(0o4755, ""),
		"a/big": file(0o644, strings.Repeat("\x00", archive.PartRaw)),
		"a/l":   link("../d"),
		"d":     file(0o600, "d"),
	})
	m, s := pack(t, root, "**")
	for i := range m.Parts {
		m.Parts[i].SHA256, m.Parts[i].Size = "", 0
	}
	for i := range m.Files {
		if m.Files[i].Link != "" {
			m.Files[i].Modified = day.Unix()
		}
	}
	want := &archive.Manifest{
		Version: 1,
		// The headers of six files and of four with blocks of bytes, and two blocks at the end.
		Parts: []archive.Part{{Raw: archive.PartRaw}, {Raw: 6*512 + 512 + 512 + 1024}},
		Files: []archive.File{
			{Path: "a", Mode: 0o750, Modified: day.Unix(), Folder: true},
			{Path: "a-c", Mode: 0o755, Modified: day.Unix()},
			{Path: "a/b", Mode: 0o640, Modified: day.Unix(), Size: 10, Offset: 3 * 512},
			{Path: "a/big", Mode: 0o644, Modified: day.Unix(), Size: archive.PartRaw, Offset: 5 * 512},
			{Path: "a/l", Modified: day.Unix(), Link: "../d"},
			{Path: "d", Mode: 0o600, Modified: day.Unix(), Size: 1, Part: 1, Offset: 7 * 512},
		},
		Bytes: archive.PartRaw + 11,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if len(s.parts) != 2 {
		t.Errorf("%d parts", len(s.parts))
	}
}

// TestSame: the same files yield the same bytes.
func TestSame(t *testing.T) {
	t.Parallel()
	files := tree{"b": file(0o644, noise(100)), "a/x": file(0o644, "x"), "a/l": link("x")}
	root := plant(t, files)
	m, s := pack(t, root, "b", "a/x")
	if err := root.Chtimes("b", time.Now(), day.Add(500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	again, second := pack(t, root, "./a/x", "b", "b")
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("manifests (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(s.parts, second.parts); diff != "" {
		t.Errorf("parts (-first +second):\n%s", diff)
	}
}

// TestUnpack: what was packed comes back, whatever was there before.
func TestUnpack(t *testing.T) {
	t.Parallel()
	m, s := pack(t, plant(t, project()), "dist/**", "reports")
	if len(m.Parts) < 3 {
		t.Fatalf("%d parts", len(m.Parts))
	}
	with := func(more tree) tree {
		all := project()
		maps.Copy(all, more)
		return all
	}
	for _, tt := range []struct {
		name         string
		before, want tree
		fails        string
	}{
		{name: "nothing", want: project()},
		{name: "the same", before: project(), want: project()},
		{
			name: "other files",
			before: tree{
				"dist/app": file(0o400, "old"), "dist/empty": link("app"), "dist/current": file(0o644, "old"), "dist/mine": file(0o644, "mine"), "other": file(0o600, "other"),
				"dist/mod/": folder(0o500), "dist/mod/old": file(0o400, "old"), "dist/none": file(0o644, "a file"),
			},
			want: with(tree{"dist/mine": file(0o644, "mine"), "other": file(0o600, "other"), "dist/mod/old": file(0o400, "old")}),
		},
		{
			name:   "a link where a folder comes",
			before: tree{"elsewhere/": folder(0o700), "dist": link("elsewhere")},
			want:   tree{"elsewhere/": folder(0o700), "dist": link("elsewhere")},
			fails:  `unpack "dist": "dist" is a symbolic link there, and isn't followed: remove it`,
		},
		{
			name:   "a folder where a file comes",
			before: tree{"dist/app/x": file(0o600, "x")},
			want:   tree{"dist/": folder(0o755), "dist/app/": folder(0o755), "dist/app/x": file(0o600, "x")},
			fails:  `unpack "dist/app": a folder of this name is there: remove it`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := plant(t, tt.before)
			err := archive.Unpack(t.Context(), root, m, plenty, s.get)
			if said(err) != tt.fails {
				t.Errorf("it says %v", err)
			}
			got := look(t, root)
			if tt.fails == "" {
				checkTimes(t, root, m)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%.3000s", diff)
			}
		})
	}
}

// said is an error's text, or none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func checkTimes(t *testing.T, root *os.Root, m *archive.Manifest) {
	t.Helper()
	for _, f := range m.Files {
		if info, err := root.Lstat(f.Path); err != nil || f.Link == "" && info.ModTime().Unix() != f.Modified {
			t.Errorf("%s was changed at %v, %v", f.Path, info.ModTime(), err)
		}
	}
}

// TestTar: the parts, joined, are the tar that Tar writes, and tar reads it.
func TestTar(t *testing.T) {
	t.Parallel()
	m, s := pack(t, plant(t, project()), "**")
	var written bytes.Buffer
	if err := archive.Tar(t.Context(), &written, m, s.get); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written.Bytes(), s.joined(t)) {
		t.Error("the tar isn't that of the parts")
	}
	got := tree{}
	for reader := tar.NewReader(&written); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		switch mode := fs.FileMode(header.Mode); header.Typeflag {
		case tar.TypeDir:
			got[header.Name] = folder(mode)
		case tar.TypeSymlink:
			got[header.Name] = link(header.Linkname)
		default:
			got[header.Name] = file(mode, string(body))
		}
		if header.Uid != 0 || header.Uname != "" {
			t.Errorf("%s has an owner", header.Name)
		}
	}
	if diff := cmp.Diff(project(), got); diff != "" {
		t.Errorf("files (-want +got):\n%.3000s", diff)
	}
}

// TestOpen: a file is read by the parts that it is in.
func TestOpen(t *testing.T) {
	t.Parallel()
	made := tree{"a": file(0o644, "first"), "b": file(0o644, noise(20<<20)), "c": file(0o644, noise(9<<20)), "d": file(0o644, "last"), "e": file(0o644, ""), "f/": folder(0o755), "l": link("a")}
	m, s := pack(t, plant(t, made), "**")
	for _, tt := range []struct {
		path, fails string
		asked       []int
	}{
		{path: "a", asked: []int{0}},
		{path: "b", asked: []int{0, 1, 2}},
		{path: "c", asked: []int{2, 3}},
		{path: "d", asked: []int{3}},
		{path: "e"},
		{path: "f", fails: `open "f" of an archive: it is no file: invalid argument`},
		{path: "l", fails: `open "l" of an archive: it is no file: invalid argument`},
		{path: "g", fails: `open "g" of an archive: file does not exist`},
		{path: "", fails: `open "" of an archive: file does not exist`},
	} {
		s.asked = nil
		reader, err := m.Open(t.Context(), tt.path, s.get)
		if err != nil || tt.fails != "" {
			if fmt.Sprint(err) != tt.fails {
				t.Errorf("%s: it says %v", tt.path, err)
			}
			continue
		}
		body, err := io.ReadAll(reader)
		if err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
		if file(0o644, string(body)) != made[tt.path] {
			t.Errorf("%s has %d other bytes", tt.path, len(body))
		}
		if diff := cmp.Diff(tt.asked, s.asked); diff != "" {
			t.Errorf("%s: parts (-want +got):\n%s", tt.path, diff)
		}
	}
}

// TestPutting: two parts at most are put at once, and an error ends all.
func TestPutting(t *testing.T) {
	t.Parallel()
	root := plant(t, tree{"a": file(0o644, noise(50<<20))})
	slots := make(chan bool, 2)
	s := newShelf()
	m, err := archive.Pack(t.Context(), root, []string{"a"}, plenty, func(ctx context.Context, n int, data []byte) error {
		select {
		case slots <- true:
		default:
			return errors.New("three parts are put at once")
		}
		defer func() { <-slots }()
		return s.put(ctx, n, data)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := archive.Unpack(t.Context(), makeFolder(t), m, plenty, s.get); err != nil {
		t.Error(err)
	}
	full := errors.New("full")
	_, err = archive.Pack(t.Context(), root, []string{"a"}, plenty, func(ctx context.Context, n int, _ []byte) error {
		if n == 1 {
			return full
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, full) || err.Error() != "store part 1: full" {
		t.Errorf("it says %v", err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	root := plant(t, tree{"a": file(0o644, "a")})
	m, s := pack(t, root, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, errPack := archive.Pack(ctx, root, []string{"a"}, plenty, s.put)
	_, errOpen := m.Open(ctx, "a", s.get)
	for call, err := range map[string]error{
		"pack": errPack, "open": errOpen, "unpack": archive.Unpack(ctx, makeFolder(t), m, plenty, s.get), "tar": archive.Tar(ctx, io.Discard, m, s.get),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s says %v", call, err)
		}
	}
}
