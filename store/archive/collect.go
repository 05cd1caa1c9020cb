package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// found is a file that is to be packed, as it was when it was looked at.
type found struct {
	File
	info fs.FileInfo
}

// collector looks for files. It opens folders only.
type collector struct {
	root     *os.Root
	patterns patterns
	limits   Limits
	found    []found
	bytes    int64
	// anything but folders was found.
	anything bool
}

func collect(ctx context.Context, root *os.Root, texts []string, limits Limits) ([]found, error) {
	patterns, err := parse(texts)
	if err != nil {
		return nil, err
	}
	c := &collector{root: root, patterns: patterns, limits: limits}
	if err := c.walk(ctx, ".", patterns.take(".")); err != nil {
		return nil, err
	}
	if !c.anything {
		return nil, ErrNothing
	}
	slices.SortFunc(c.found, func(a, b found) int { return strings.Compare(a.Path, b.Path) })
	return c.found, c.checkList()
}

// checkList is done before anything is read: the places of files and the parts only add
// to the list.
func (c *collector) checkList() error {
	m := Manifest{Files: make([]File, 0, len(c.found))}
	for _, f := range c.found {
		m.Files = append(m.Files, f.File)
	}
	return m.checkSize(c.limits)
}

func (m *Manifest) checkSize(limits Limits) error {
	data, err := json.Marshal(m)
	if err == nil && int64(len(data)) > limits.ManifestBytes {
		err = fmt.Errorf("the list of %d files has %d bytes, more than %d: keep fewer, or files within one archive of your own",
			len(m.Files), len(data), limits.ManifestBytes)
	}
	return err
}

// walk takes what is in a folder: all of it, or what the patterns say.
func (c *collector) walk(ctx context.Context, folder string, all bool) error {
	entries, err := c.entries(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(folder, entry.Name())
		if c.patterns.leave(name) {
			continue
		}
		take := all || c.patterns.take(name)
		if take {
			if err := c.add(name); err != nil {
				return err
			}
		}
		if entry.IsDir() && (take || c.patterns.mayTakeBelow(name)) {
			if err := checkPath(name); err != nil {
				return err
			}
			if err := c.walk(ctx, name, take); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *collector) entries(folder string) ([]fs.DirEntry, error) {
	file, err := c.root.OpenFile(folder, openFolder, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadDir(-1)
}

func (c *collector) add(name string) error {
	if err := checkPath(name); err != nil {
		return err
	}
	info, err := c.root.Lstat(name)
	if err != nil {
		return err
	}
	f := File{
		Path: name, Mode: uint32(info.Mode().Perm()),
		// A time that no file should have isn't worth an error.
		Modified: min(max(info.ModTime().Unix(), 0), maxModified),
	}
	switch kind := info.Mode().Type(); kind {
	case 0:
		f.Size = info.Size()
	case fs.ModeDir:
		f.Folder = true
	case fs.ModeSymlink:
		f.Mode = 0
		if f.Link, err = c.root.Readlink(name); err == nil {
			err = checkLink(name, f.Link)
		}
	default:
		err = fmt.Errorf("%.200q is a %s, and only files, folders and symbolic links can be kept: exclude it", name, kindName(kind))
	}
	if err != nil {
		return err
	}
	return c.count(found{File: f, info: info})
}

func (c *collector) count(f found) error {
	if len(c.found) == c.limits.Files {
		return fmt.Errorf("there are more than %d files, folders and links", c.limits.Files)
	}
	if f.Size > c.limits.Bytes-c.bytes {
		return fmt.Errorf("the files have more than %d bytes together, with the %d of %.200q", c.limits.Bytes, f.Size, f.Path)
	}
	c.bytes += f.Size
	c.anything = c.anything || !f.Folder
	c.found = append(c.found, f)
	return nil
}

func kindName(kind fs.FileMode) string {
	switch {
	case kind&fs.ModeDevice != 0:
		return "device"
	case kind&fs.ModeNamedPipe != 0:
		return "named pipe"
	case kind&fs.ModeSocket != 0:
		return "socket"
	}
	return "file of no known kind"
}

var errChanged = errors.New("it has changed while it was packed: let whatever writes it end first")

// open opens a file that is still the one that was found.
func (f found) open(root *os.Root) (*os.File, error) {
	// Whatever may have come in its place isn't waited for.
	file, err := root.OpenFile(f.Path, openFile, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && (!os.SameFile(info, f.info) || !info.Mode().IsRegular() || info.Size() != f.Size) {
		err = errChanged
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
