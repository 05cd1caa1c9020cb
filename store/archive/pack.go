package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// How much is read at once.
const chunk = 128 << 10

// Pack stores the files below a folder that the patterns match. A pattern is a path,
// with *, ?, [a-z], {a,b} and, for any folders, **. A folder that is matched is taken
// with all that is below. A pattern behind a "!" leaves out what it matches, with all
// that is below, whatever the others say. Symbolic links are kept and not followed.
//
// The same files yield the same bytes: their owners and the fractions of their times
// aren't kept.
func Pack(ctx context.Context, root *os.Root, patterns []string, limits Limits, put Put) (*Manifest, error) {
	all, err := collect(ctx, root, patterns, limits)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Version: Version, Files: make([]File, 0, len(all))}
	c, err := newCutter(ctx, put)
	if err != nil {
		return nil, err
	}
	err = c.end(m.pack(c, root, all))
	if err != nil {
		return nil, err
	}
	m.Parts = c.parts
	return m, m.checkSize(limits)
}

func (m *Manifest) pack(c *cutter, root *os.Root, all []found) error {
	t := tar.NewWriter(c)
	buffer := make([]byte, chunk)
	for _, f := range all {
		if err := t.WriteHeader(header(f.File)); err != nil {
			return fmt.Errorf("pack %.200q: %w", f.Path, err)
		}
		if f.Size > 0 {
			f.Part, f.Offset = c.place()
		}
		// An empty file as well may have grown.
		if f.info.Mode().IsRegular() {
			if err := f.copy(t, root, buffer); err != nil {
				return fmt.Errorf("pack %.200q: %w", f.Path, err)
			}
		}
		m.Files = append(m.Files, f.File)
		m.Bytes += f.Size
	}
	return t.Close()
}

// header is what tar says of a file. It is the same whether Pack or Tar writes it.
func header(f File) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Size: f.Size, Mode: int64(f.Mode), ModTime: time.Unix(f.Modified, 0)}
	switch {
	case f.Folder:
		h.Typeflag, h.Name = tar.TypeDir, f.Path+"/"
	case f.Link != "":
		// The mode that systems show of links.
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	}
	return h
}

// copy writes the bytes that the file had when it was found: there must be so many, and
// no more.
func (f found) copy(w io.Writer, root *os.Root, buffer []byte) error {
	file, err := f.open(root)
	if err != nil {
		return err
	}
	defer file.Close()
	for left := f.Size; left > 0; {
		n, err := io.ReadFull(file, buffer[:min(left, chunk)])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errChanged
		}
		if err != nil {
			return err
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	if n, _ := file.Read(buffer[:1]); n > 0 {
		return errChanged
	}
	return nil
}
