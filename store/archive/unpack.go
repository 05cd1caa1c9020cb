package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// Unpack writes an archive's files into a folder. Files and links that are there already
// are replaced; folders stay, with what else is in them. A symbolic link that is where
// the archive has a folder is an error: it isn't followed. After an error, files that
// were written before stay.
func Unpack(ctx context.Context, root *os.Root, m *Manifest, limits Limits, get Get) error {
	if err := m.Check(limits); err != nil {
		return err
	}
	u := &unpacker{root: root, folders: map[string]bool{".": true}}
	if err := m.each(ctx, get, u.write); err != nil {
		return fmt.Errorf("unpack %w", err)
	}
	return u.finish()
}

type unpacker struct {
	root *os.Root
	// folders that are known to be folders.
	folders map[string]bool
	// listed are those of the archive.
	listed []File
}

func (u *unpacker) write(f File, r io.Reader) error {
	if f.Folder {
		u.listed = append(u.listed, f)
		if err := u.folder(f.Path); err != nil {
			return err
		}
		// One that is there may be closed, as those of Go's module cache are. If this fails,
		// so does what comes into the folder.
		_ = u.root.Chmod(f.Path, fs.FileMode(f.Mode)&fs.ModePerm|0o700)
		return nil
	}
	if err := u.folder(path.Dir(f.Path)); err != nil {
		return err
	}
	if err := u.clear(f.Path); err != nil {
		return err
	}
	if f.Link != "" {
		return u.root.Symlink(f.Link, f.Path)
	}
	if err := u.file(f, r); err != nil {
		// Half a file is worse than none.
		_ = u.root.Remove(f.Path)
		return err
	}
	return nil
}

// folder makes a folder and those above it, as far as they aren't there.
func (u *unpacker) folder(name string) error {
	if u.folders[name] {
		return nil
	}
	if err := u.folder(path.Dir(name)); err != nil {
		return err
	}
	info, err := u.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = u.root.Mkdir(name, 0o777)
	case err != nil:
	case info.Mode().Type() == fs.ModeSymlink:
		err = fmt.Errorf("%.200q is a symbolic link there, and isn't followed: remove it", name)
	case !info.IsDir():
		err = errors.Join(u.root.Remove(name), u.root.Mkdir(name, 0o777))
	}
	u.folders[name] = err == nil
	return err
}

// clear removes what is where a file comes.
func (u *unpacker) clear(name string) error {
	info, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.IsDir() {
		return errors.New("a folder of this name is there: remove it")
	}
	return errors.Join(err, u.root.Remove(name))
}

func (u *unpacker) file(f File, r io.Reader) error {
	// What exists isn't opened, so no link is followed.
	file, err := u.root.OpenFile(f.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(file, r, f.Size)
	err = errors.Join(err, file.Chmod(fs.FileMode(f.Mode)&fs.ModePerm), file.Close())
	if err != nil {
		return err
	}
	return u.root.Chtimes(f.Path, time.Time{}, time.Unix(f.Modified, 0))
}

// finish sets what folders are like, once nothing comes into them any more. Those that
// were there may be another user's, and stay as they are then.
func (u *unpacker) finish() error {
	for _, f := range slices.Backward(u.listed) {
		err := u.root.Chtimes(f.Path, time.Time{}, time.Unix(f.Modified, 0))
		if err == nil {
			err = u.root.Chmod(f.Path, fs.FileMode(f.Mode)&fs.ModePerm)
		}
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("unpack %.200q: %w", f.Path, err)
		}
	}
	return nil
}
