//go:build unix

package bucket

import (
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// foldersOutliveCrashes says that a folder can be written to its disk, as files can.
	foldersOutliveCrashes = true
	// openFolderOnly opens a folder and nothing else. A pipe isn't waited for.
	openFolderOnly = syscall.O_DIRECTORY | syscall.O_NONBLOCK
)

// removeFolder removes an empty folder, and nothing else that has meanwhile come in its
// place, as os.Root's Remove would.
func (f *Folder) removeFolder(folder string) error {
	above, err := f.root.Open(path.Dir(folder))
	if err != nil {
		return err
	}
	defer above.Close()
	return unix.Unlinkat(int(above.Fd()), path.Base(folder), unix.AT_REMOVEDIR)
}
