//go:build !unix

package bucket

import (
	"errors"
	"os"
)

const (
	foldersOutliveCrashes = false
	openFolderOnly        = os.O_RDONLY
)

// removeFolder isn't called: no folder is opened here.
func (f *Folder) removeFolder(string) error { return errors.ErrUnsupported }
