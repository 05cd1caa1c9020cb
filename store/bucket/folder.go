package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// Folder is a bucket in a folder of files, for one or more processes that share it. Each
// object is a file of its name.
type Folder struct {
	path string
	root *os.Root
}

var _ Bucket = (*Folder)(nil)

const (
	// How old what a crash has left must be to be removed: a younger file may be one that
	// another process is just writing.
	leftoverAge = time.Hour
	// How often Put makes an object's folder: others may remove it as long as it is empty.
	maxPutAttempts = 100
)

// NewFolder makes the folder if it isn't there, and removes what a crash has left in it.
func NewFolder(path string) (*Folder, error) {
	f, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("open the store's folder %s: %w", path, inWords(err))
	}
	return f, nil
}

func openFolder(path string) (*Folder, error) {
	if !foldersOutliveCrashes {
		return nil, errors.New("what is put into a folder of this operating system may be lost in a crash: run the store on Linux, or keep everything in a bucket")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &Folder{path: path, root: root}
	if err := f.tidy(time.Now()); err != nil {
		_ = root.Close()
		return nil, err
	}
	return f, nil
}

// tidy removes old temporary files.
func (f *Folder) tidy(now time.Time) error {
	if err := f.root.Mkdir(temporary, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := f.entries(temporary)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || now.Sub(info.ModTime()) < leftoverAge {
			continue
		}
		if err := f.root.Remove(path.Join(temporary, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close lets go of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// Check proves that objects can be put, read, listed and deleted, and that none is
// written over. Its error says what to do.
func (f *Folder) Check(ctx context.Context) error {
	if err := check(ctx, f, time.Now()); err != nil {
		return fmt.Errorf("the store's folder %s: %w", f.path, err)
	}
	return nil
}

// Put stores an object.
func (f *Folder) Put(ctx context.Context, name string, body []byte) error {
	if err := errors.Join(ctx.Err(), checkPut(name, body)); err != nil {
		return err
	}
	temp := path.Join(temporary, rand.Text())
	err := f.write(temp, body)
	if err == nil {
		err = f.publish(temp, name)
	}
	// A temporary file that stays is removed at the next start.
	_ = f.root.Remove(temp)
	if err != nil {
		return fmt.Errorf("put %s: %w", name, inWords(err))
	}
	return nil
}

func (f *Folder) write(temp string, body []byte) error {
	file, err := f.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// publish gives a file that is whole its name, and returns once a crash can't take the
// name away again. So it does where the name is taken: whoever is told so relies on the
// object, which another process may not have secured yet.
func (f *Folder) publish(temp, name string) error {
	var err error
	for range maxPutAttempts {
		err = f.root.MkdirAll(path.Dir(name), 0o700)
		// A folder that another process removes meanwhile, because it is empty, is missed
		// in one way or the other.
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			break
		}
		if err = f.root.Link(temp, name); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = ErrExists
	}
	if err != nil && !errors.Is(err, ErrExists) {
		f.prune(path.Dir(name))
		return err
	}
	return errors.Join(err, f.secure(path.Dir(name)))
}

// secure has a folder's entries outlive a crash, and those of all folders above it, any
// of which may be new.
func (f *Folder) secure(folder string) error {
	for {
		if err := f.sync(folder); err != nil {
			return err
		}
		if folder == "." {
			return nil
		}
		folder = path.Dir(folder)
	}
}

func (f *Folder) sync(folder string) error {
	file, err := f.root.Open(folder)
	// The object has been deleted since, and its folder with it.
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// Get reads an object.
func (f *Folder) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := errors.Join(ctx.Err(), checkGet(name, offset)); err != nil {
		return nil, err
	}
	reader, err := f.get(name, offset, length)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, inWords(err))
	}
	return reader, nil
}

func (f *Folder) get(name string, offset, length int64) (io.ReadCloser, error) {
	// A pipe that somebody has put there isn't waited for.
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotFound
	}
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	if length < 0 {
		return file, nil
	}
	return reader{Reader: io.LimitReader(file, length), Closer: file}, nil
}

// reader reads from the one and closes the other.
type reader struct {
	io.Reader
	io.Closer
}

// Delete removes objects, and folders that this leaves empty.
func (f *Folder) Delete(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := errors.Join(ctx.Err(), checkName(name)); err != nil {
			return err
		}
		if err := f.remove(name); err != nil {
			return fmt.Errorf("delete %s: %w", name, inWords(err))
		}
	}
	return nil
}

func (f *Folder) remove(name string) error {
	info, err := f.root.Lstat(name)
	if err == nil && !info.IsDir() {
		err = f.root.Remove(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return err
	}
	f.prune(path.Dir(name))
	return nil
}

// prune removes a folder and those above it, as far as they are empty.
func (f *Folder) prune(folder string) {
	for ; folder != "."; folder = path.Dir(folder) {
		if err := f.removeFolder(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}
