//go:build unix

package git

import (
	"errors"
	"os"
	"syscall"
)

// lockFlags keep a lock from being a link to something else.
const lockFlags = syscall.O_NOFOLLOW

// tryLock locks the file, unless another has it locked, until it is closed.
func tryLock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
