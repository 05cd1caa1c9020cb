// Package bundle saves files in a folder or in one archive. Whatever their names are,
// they stay in there, and nothing that is there already is written over.
package bundle

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Suffix of a name that makes it an archive's.
const Suffix = ".tar.gz"

// Target is where files are saved.
type Target interface {
	// Put saves a file under a name with slashes, as a function writes it.
	Put(name string, write func(io.Writer) error) error
	// Close ends it.
	Close() error
	// Discard takes away what was saved.
	Discard()
}

// Create makes a folder or, if its name ends so, an archive. Times in an archive are the
// one that is given.
func Create(name string, now time.Time) (Target, error) {
	if strings.HasSuffix(name, Suffix) {
		file, err := os.OpenFile(filepath.Clean(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("create the archive: %w", err)
		}
		packed := gzip.NewWriter(file)
		base := strings.TrimSuffix(filepath.Base(name), Suffix)
		return &archive{file: file, gzip: packed, tar: tar.NewWriter(packed), base: base, now: now}, nil
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder: %w", err)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	return &folder{name: name, root: root}, nil
}

type folder struct {
	name string
	root *os.Root
}

func (f *folder) Put(name string, write func(io.Writer) error) error {
	if err := f.root.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o700); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	file, err := f.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

func (f *folder) Close() error { return f.root.Close() }

func (f *folder) Discard() {
	// What can't be taken away stays.
	_ = f.root.Close()
	_ = os.RemoveAll(f.name)
}

// archive is a tar file, compressed, whose files are in one folder.
type archive struct {
	file *os.File
	gzip *gzip.Writer
	tar  *tar.Writer
	base string
	now  time.Time
}

// Put writes to a file beside first: an archive has a file's size before its bytes.
func (a *archive) Put(name string, write func(io.Writer) error) error {
	if err := a.put(name, write); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

func (a *archive) put(name string, write func(io.Writer) error) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("%q leads out of the archive", name)
	}
	spool, err := os.CreateTemp("", "kayci-")
	if err != nil {
		return err
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	if err := write(spool); err != nil {
		return err
	}
	size, err := spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := a.tar.WriteHeader(&tar.Header{Name: path.Join(a.base, name), Mode: 0o600, Size: size, ModTime: a.now}); err != nil {
		return err
	}
	_, err = io.Copy(a.tar, spool)
	return err
}

func (a *archive) Close() error {
	if err := errors.Join(a.tar.Close(), a.gzip.Close(), a.file.Close()); err != nil {
		return fmt.Errorf("end the archive: %w", err)
	}
	return nil
}

func (a *archive) Discard() {
	_ = a.file.Close()
	_ = os.Remove(a.file.Name())
}
