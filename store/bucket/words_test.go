package bucket

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{syscall.ENOSPC, "the file system is full: make room or enlarge it (write a: no space left on device)"},
		{syscall.EDQUOT, "the quota is used up: make room or raise it (write a: disk quota exceeded)"},
		{syscall.EROFS, "the file system is read-only: mount it for writing (write a: read-only file system)"},
		{syscall.EPERM, "no right to do so; if files may be written, the file system may have no hard links, which the store needs (write a: operation not permitted)"},
		{syscall.EOPNOTSUPP, "the file system has no hard links, which the store needs: choose another one (write a: operation not supported)"},
		{syscall.EXDEV, "another file system is mounted within the store's folder: the store must be on one (write a: invalid cross-device link)"},
		{syscall.EIO, "write a: input/output error"},
		{ErrExists, "write a: an object of this name exists"},
	} {
		var err error = &fs.PathError{Op: "write", Path: "a", Err: tt.err}
		if diff := cmp.Diff(tt.want, fmt.Sprint(inWords(err))); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.err, diff)
		}
	}
}
