//go:build unix

package archive

import (
	"os"
	"syscall"
)

// How a folder, and how a file is opened, and nothing else that has come in its place: a
// link isn't followed, and a pipe isn't waited for.
const (
	openFolder = syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	openFile   = os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
)
