package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// List returns objects.
func (f *Folder) List(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	if err := checkList(prefix, after); err != nil {
		return nil, err
	}
	l := &lister{folder: f, prefix: prefix, after: after, limit: limit}
	folder, _ := cut(prefix)
	if err := l.walk(ctx, folder); err != nil {
		return nil, fmt.Errorf("list %.100q: %w", prefix, inWords(err))
	}
	return l.found, nil
}

// lister goes through folders in the byte order of the names of their objects.
type lister struct {
	folder        *Folder
	prefix, after string
	limit         int
	found         []Object
}

// walk looks below a folder, whose name is empty or ends in a slash.
func (l *lister) walk(ctx context.Context, folder string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := l.folder.entries(path.Clean("./" + folder))
	if err != nil {
		return err
	}
	// A slash comes after a dot and before a digit: "a.b" is before "a/b", and "a0" after.
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	for _, entry := range entries {
		if l.limit > 0 && len(l.found) >= l.limit {
			return nil
		}
		name := folder + key(entry)
		switch {
		case !validSegment(entry.Name()):
		case entry.IsDir():
			if l.mayHold(name) {
				err = l.walk(ctx, name)
			}
		case strings.HasPrefix(name, l.prefix) && name > l.after && len(name) <= MaxName:
			err = l.add(name, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayHold tells whether names below a folder can be asked for.
func (l *lister) mayHold(folder string) bool {
	return (strings.HasPrefix(folder, l.prefix) || strings.HasPrefix(l.prefix, folder)) &&
		(folder > l.after || strings.HasPrefix(l.after, folder))
}

func (l *lister) add(name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	// It has been deleted since.
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		l.found = append(l.found, Object{Name: name, Size: info.Size(), Modified: info.ModTime()})
	}
	return nil
}

// key is what of names stands in this place.
func key(entry fs.DirEntry) string {
	if entry.IsDir() {
		return entry.Name() + "/"
	}
	return entry.Name()
}

// entries of a folder. There are none if the folder isn't there, or is something else.
func (f *Folder) entries(folder string) ([]fs.DirEntry, error) {
	file, err := f.root.OpenFile(folder, openFolderOnly, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadDir(-1)
}

// Folders returns the folders below a prefix.
func (f *Folder) Folders(ctx context.Context, prefix string) ([]string, error) {
	if err := errors.Join(ctx.Err(), checkFolder(prefix)); err != nil {
		return nil, err
	}
	entries, err := f.entries(path.Clean("./" + prefix))
	if err != nil {
		return nil, fmt.Errorf("list the folders of %.100q: %w", prefix, inWords(err))
	}
	var folders []string
	for _, entry := range entries {
		if entry.IsDir() && validSegment(entry.Name()) {
			folders = append(folders, entry.Name())
		}
	}
	slices.Sort(folders)
	return folders, nil
}
