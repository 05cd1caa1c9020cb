package archive_test

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/store/archive"
)

// TestUntar: what Tar writes comes back as Unpack brings it.
func TestUntar(t *testing.T) {
	t.Parallel()
	m, s := pack(t, plant(t, project()), "**")
	var text bytes.Buffer
	if err := archive.Tar(t.Context(), &text, m, s.get); err != nil {
		t.Fatal(err)
	}
	root := makeFolder(t)
	files, size, err := archive.Untar(t.Context(), root, &text, plenty)
	if err != nil || files != len(m.Files) || size != m.Bytes {
		t.Errorf("%d files, %d bytes, %v", files, size, err)
	}
	if diff := cmp.Diff(project(), look(t, root)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHostileTar: what Pack never makes is refused, and nothing is written outside.
func TestHostileTar(t *testing.T) {
	t.Parallel()
	reg := func(name, text string) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Linkname: text, Mode: 0o644}
	}
	link := func(name, target string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}
	}
	special := func(kind byte, target string) tar.Header {
		return tar.Header{Typeflag: kind, Name: "x", Linkname: target}
	}
	setuid := reg("x", "x")
	setuid.Mode = 0o4755
	for name, tt := range map[string]struct {
		headers []tar.Header
		want    string
	}{
		"above":                {[]tar.Header{reg("../x", "x")}, `read a tar: "../x" is no path below a folder`},
		"within and above":     {[]tar.Header{reg("a/../../x", "x")}, `read a tar: "a/../../x" is no path below a folder`},
		"absolute":             {[]tar.Header{reg("/x", "x")}, `read a tar: "/x" is no path below a folder`},
		"the folder itself":    {[]tar.Header{{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}}, `read a tar: "." is no path below a folder`},
		"a link above":         {[]tar.Header{link("x", "../y")}, `read a tar: "x": the symbolic link may lead out of the folder, to "../y", so it can't be kept: exclude it`},
		"an absolute link":     {[]tar.Header{link("x", "/etc")}, `read a tar: "x": the symbolic link leads to the absolute path "/etc", so it can't be kept: make it relative or exclude it`},
		"through a link":       {[]tar.Header{link("a", "b"), reg("a/x", "x")}, `read a tar: "a/x" is in "a", which is no folder`},
		"in a file":            {[]tar.Header{reg("a", "x"), reg("a/x", "x")}, `read a tar: "a/x" is in "a", which is no folder`},
		"twice":                {[]tar.Header{reg("a", "x"), reg("a", "y")}, `read a tar: "a" comes behind "a": it is there twice, or not in its place`},
		"a device":             {[]tar.Header{special(tar.TypeBlock, "")}, `read a tar: "x" is no file, folder or symbolic link`},
		"a pipe":               {[]tar.Header{special(tar.TypeFifo, "")}, `read a tar: "x" is no file, folder or symbolic link`},
		"a hard link":          {[]tar.Header{special(tar.TypeLink, "/etc/passwd")}, `read a tar: "x" is no file, folder or symbolic link`},
		"a link to nothing":    {[]tar.Header{link("x", "")}, `read a tar: "x" is a symbolic link to nothing`},
		"rights of its owner":  {[]tar.Header{setuid}, `read a tar: "x": there is no mode 4755`},
		"too many files":       {[]tar.Header{reg("a", ""), reg("b", ""), reg("c", ""), reg("d", "")}, `the tar has more than 3 files, folders and links`},
		"too many bytes":       {[]tar.Header{reg("a", "12345"), reg("b", "123456")}, `the tar's files have more than 10 bytes`},
		"nothing but the ends": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			w := tar.NewWriter(&text)
			for _, h := range tt.headers {
				body := ""
				if h.Typeflag == tar.TypeReg {
					body, h.Linkname = h.Linkname, ""
				}
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write([]byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			_, _, err := archive.Untar(t.Context(), makeFolder(t), &text, archive.Limits{Files: 3, Bytes: 10})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTarThatBreaksOff: half a file isn't left.
func TestTarThatBreaksOff(t *testing.T) {
	t.Parallel()
	m, s := pack(t, plant(t, tree{"a": file(0o644, "whole"), "b": file(0o644, noise(4096))}), "**")
	var text bytes.Buffer
	if err := archive.Tar(t.Context(), &text, m, s.get); err != nil {
		t.Fatal(err)
	}
	for cut, want := range map[int]tree{
		512 + 3:             {},
		512 + 512 + 512 + 9: {"a": file(0o644, "whole")},
	} {
		root := makeFolder(t)
		if _, _, err := archive.Untar(t.Context(), root, bytes.NewReader(text.Bytes()[:cut]), plenty); err == nil {
			t.Errorf("%d bytes are a tar", cut)
		}
		if diff := cmp.Diff(want, look(t, root)); diff != "" {
			t.Errorf("%d bytes (-want +got):\n%s", cut, diff)
		}
	}
}
