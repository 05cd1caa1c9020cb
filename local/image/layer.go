// Package image assembles container images from files of this machine, without
// a registry or a container engine. The same files give the same image, byte by
// byte, whenever and in whatever order they are added.
package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// epoch is the time of every file.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// entry is a file, folder or link in an image. A file's content is either text
// or the file source of this machine.
type entry struct {
	kind   byte
	mode   int64
	target string
	source string
	text   string
	size   int64
	uid    int
}

// Tree is the file system of an image. Paths are absolute and clean.
type Tree struct{ entries map[string]entry }

// NewTree returns an empty file system.
func NewTree() *Tree { return &Tree{entries: map[string]entry{}} }

// Text adds a file.
func (t *Tree) Text(name, text string) {
	t.add(name, entry{kind: tar.TypeReg, mode: 0o644, text: text, size: int64(len(text))})
}

// Dir adds a folder, such as one that anyone may write to, with its owner.
func (t *Tree) Dir(name string, mode int64, uid int) {
	t.add(name, entry{kind: tar.TypeDir, mode: mode, uid: uid})
}

// Link adds a symlink.
func (t *Tree) Link(name, target string) {
	t.add(name, entry{kind: tar.TypeSymlink, mode: 0o777, target: target})
}

// File adds a file of this machine, or what a symlink of this name leads to.
func (t *Tree) File(name, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", source)
	}
	// The owner may have kept others from reading it, or from writing to it.
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	t.add(name, entry{kind: tar.TypeReg, mode: mode, source: source, size: info.Size()})
	return nil
}

// Copy adds a folder of this machine with all that is in it, but what skip
// chooses. Symlinks stay symlinks.
func (t *Tree) Copy(name, source string, skip func(path string, d fs.DirEntry) bool) error {
	return filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		if relative != "." && skip(relative, d) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		inside := path.Join(name, filepath.ToSlash(relative))
		switch {
		case d.IsDir():
			t.Dir(inside, 0o755, 0)
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err == nil {
				t.Link(inside, target)
			}
			return err
		case d.Type().IsRegular():
			return t.File(inside, file)
		default:
			return fmt.Errorf("%s is neither file, folder nor symlink", file)
		}
	})
}

func (t *Tree) add(name string, e entry) {
	t.entries[name] = e
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if _, ok := t.entries[dir]; ok {
			return
		}
		t.entries[dir] = entry{kind: tar.TypeDir, mode: 0o755}
	}
}

// write writes the tree as a tar, in the order of the paths, which puts folders
// before what is in them.
func (t *Tree) write(w io.Writer) error {
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(t.entries)) {
		e := t.entries[name]
		header := &tar.Header{
			Typeflag: e.kind, Name: strings.TrimPrefix(name, "/"), Linkname: e.target, Mode: e.mode,
			Uid: e.uid, Gid: e.uid, ModTime: epoch(), Format: tar.FormatPAX,
		}
		switch e.kind {
		case tar.TypeDir:
			header.Name += "/"
		case tar.TypeReg:
			header.Size = e.size
		}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("add %s: %w", name, err)
		}
		if e.kind != tar.TypeReg {
			continue
		}
		if err := e.copy(out); err != nil {
			return fmt.Errorf("add %s: %w", name, err)
		}
	}
	return out.Close()
}

func (e entry) copy(w io.Writer) error {
	if e.source == "" {
		_, err := io.Copy(w, bytes.NewReader([]byte(e.text)))
		return err
	}
	f, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(w, f, e.size); errors.Is(err, io.EOF) {
		return errors.New("the file has shrunk")
	} else if err != nil {
		return err
	}
	return nil
}
