package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Open reads a file alone, from the parts that its bytes are in. The manifest must be
// one that Pack made or Check didn't refuse.
func (m *Manifest) Open(ctx context.Context, path string, get Get) (io.ReadCloser, error) {
	i, is := slices.BinarySearchFunc(m.Files, path, func(f File, path string) int { return strings.Compare(f.Path, path) })
	if !is {
		return nil, fmt.Errorf("open %.200q of an archive: %w", path, fs.ErrNotExist)
	}
	file := m.Files[i]
	if file.Folder || file.Link != "" {
		return nil, fmt.Errorf("open %.200q of an archive: it is no file: %w", path, fs.ErrInvalid)
	}
	if file.Size == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	places := m.places()
	start, err := places.find(file.Part, file.Offset)
	if err != nil {
		return nil, fmt.Errorf("open %.200q of an archive: %w", path, err)
	}
	last := file.Part
	for last+1 < len(m.Parts) && places[last+1] < start+file.Size {
		last++
	}
	s, err := newStream(ctx, m.Parts, file.Part, last, get)
	if err != nil {
		return nil, err
	}
	if err := s.seek(file.Part, file.Offset); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open %.200q of an archive: %w", path, err)
	}
	return &opened{stream: s, left: file.Size}, nil
}

// opened is a file's bytes.
type opened struct {
	*stream
	left int64
}

// Read reads the file.
func (o *opened) Read(p []byte) (int, error) {
	if o.left == 0 {
		return 0, io.EOF
	}
	n, err := o.stream.Read(p[:min(int64(len(p)), o.left)])
	o.left -= int64(n)
	return n, err
}

// each reads an archive's files in their order. The reader has a file's bytes, and is
// of no use afterwards.
func (m *Manifest) each(ctx context.Context, get Get, do func(f File, r io.Reader) error) error {
	s, err := newStream(ctx, m.Parts, 0, len(m.Parts)-1, get)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, file := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if file.Size > 0 {
			if err := s.seek(file.Part, file.Offset); err != nil {
				return fmt.Errorf("%.200q: %w", file.Path, err)
			}
		}
		if err := do(file, s); err != nil {
			return fmt.Errorf("%.200q: %w", file.Path, err)
		}
	}
	return s.drain()
}

// Tar writes an archive as an uncompressed tar. It is made from the manifest, which must
// be one that Pack made or Check didn't refuse, so that it leads whoever unpacks it
// nowhere else, whatever the parts hold.
func Tar(ctx context.Context, w io.Writer, m *Manifest, get Get) error {
	t := tar.NewWriter(w)
	err := m.each(ctx, get, func(f File, r io.Reader) error {
		if err := t.WriteHeader(header(f)); err != nil {
			return err
		}
		_, err := io.CopyN(t, r, f.Size)
		return err
	})
	if err == nil {
		err = t.Close()
	}
	if err != nil {
		return fmt.Errorf("write a tar: %w", err)
	}
	return nil
}
