package bucket

import (
	"errors"
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
		kind error
		want string
	}{
		{syscall.ENOSPC, ErrFull, "the file system is full: make room or enlarge it (write a: no space left on device)"},
		{syscall.EDQUOT, ErrFull, "the quota is used up: make room or raise it (write a: disk quota exceeded)"},
		{syscall.EROFS, ErrDenied, "the file system is read-only: mount it for writing (write a: read-only file system)"},
		{syscall.EPERM, ErrDenied, "no right to do so; if files may be written, the file system may have no hard links, which the store needs (write a: operation not permitted)"},
		{syscall.EOPNOTSUPP, nil, "the file system has no hard links, which the store needs: choose another one (write a: operation not supported)"},
		{syscall.EXDEV, nil, "another file system is mounted within the store's folder: the store must be on one (write a: invalid cross-device link)"},
		{syscall.EIO, nil, "write a: input/output error"},
		{ErrExists, ErrExists, "write a: an object of this name exists"},
	} {
		var err error = &fs.PathError{Op: "write", Path: "a", Err: tt.err}
		words := inWords(err)
		if diff := cmp.Diff(tt.want, fmt.Sprint(words)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.err, diff)
		}
		if !errors.Is(words, tt.err) {
			t.Errorf("%v isn't in %v", tt.err, words)
		}
		for _, kind := range []error{ErrFull, ErrDenied, ErrExists} {
			if is, want := errors.Is(words, kind), errors.Is(tt.kind, kind); is != want {
				t.Errorf("%v: of the kind %q: %t", tt.err, kind, is)
			}
		}
	}
}
