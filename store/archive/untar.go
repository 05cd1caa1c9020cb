package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Untar writes what [Tar] has written into a folder, as [Unpack] does. A tar from
// elsewhere is hostile: what Pack never makes is refused. It returns how many files,
// folders and links there were, and the bytes of the files: a tar that breaks off
// between two files doesn't say so itself.
func Untar(ctx context.Context, root *os.Root, r io.Reader, limits Limits) (files int, size int64, err error) {
	u := &unpacker{root: root, folders: map[string]bool{".": true}}
	order := newSequence()
	t := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return files, size, err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, size, u.finish()
		}
		if err != nil {
			return files, size, fmt.Errorf("read a tar: %w", err)
		}
		f, err := fileOf(h)
		if err == nil {
			err = order.next(f)
		}
		if err != nil {
			return files, size, fmt.Errorf("read a tar: %w", err)
		}
		if files++; files > limits.Files {
			return files, size, fmt.Errorf("the tar has more than %d files, folders and links", limits.Files)
		}
		if f.Size > limits.Bytes-size {
			return files, size, fmt.Errorf("the tar's files have more than %d bytes", limits.Bytes)
		}
		size += f.Size
		if err := u.write(f, t); err != nil {
			return files, size, fmt.Errorf("unpack %.200q: %w", f.Path, err)
		}
	}
}

// fileOf is what a tar's header says, if header could have written it.
func fileOf(h *tar.Header) (File, error) {
	f := File{Path: h.Name, Modified: h.ModTime.Unix()}
	switch h.Typeflag {
	case tar.TypeReg:
		f.Size = h.Size
	case tar.TypeDir:
		f.Path, f.Folder = strings.TrimSuffix(h.Name, "/"), true
	case tar.TypeSymlink:
		if f.Link = h.Linkname; f.Link == "" {
			return f, fmt.Errorf("%.200q is a symbolic link to nothing", h.Name)
		}
	default:
		return f, fmt.Errorf("%.200q is no file, folder or symbolic link", h.Name)
	}
	if f.Link == "" {
		if h.Mode < 0 || h.Mode > 0o777 {
			return f, fmt.Errorf("%.200q: there is no mode %o", h.Name, h.Mode)
		}
		f.Mode = uint32(h.Mode)
	}
	return f, f.check()
}
