// Package bucket keeps objects by name: in a folder, or in a bucket of an S3-like store.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

const (
	// MaxSize of an object, in bytes.
	MaxSize = 17 << 20
	// MaxName is the longest name, in bytes.
	MaxName = 900
)

var (
	// ErrExists is Put's, if the name is taken.
	ErrExists = errors.New("an object of this name exists")
	// ErrNotFound is Get's, if nothing has the name.
	ErrNotFound = errors.New("no object has this name")
	// ErrFull is Put's, if there is no room for more.
	ErrFull = errors.New("the store is full")
	// ErrDenied says that the store may not do what it was to do.
	ErrDenied = errors.New("the store has no right to do so")
)

// Object is what a list tells of an object.
type Object struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Bucket keeps objects by name. A name is segments with slashes between them, each of up
// to 200 letters, digits, dots, dashes, underscores and equals signs. No object may have
// a name that is a folder of another object's name: a folder of files can't keep both.
type Bucket interface {
	// Put stores an object, unless its name is taken: then ErrExists. Nobody can read it
	// before it is whole. Where a request is sent again because its answer was lost,
	// ErrExists may mean the object that the same call has stored: a caller to whom that
	// matters has to compare.
	Put(ctx context.Context, name string, body []byte) error
	// Get reads an object from an offset on: length bytes at most, or to its end if length
	// is negative. Behind an object's end there are no bytes, and no error.
	Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// List returns objects whose names begin with the prefix and come after `after`, in
	// byte order of their whole names, at most limit, or all if limit is 0. What else is
	// there, and has no name as above, is left out.
	List(ctx context.Context, prefix, after string, limit int) ([]Object, error)
	// Folders returns what follows the prefix, which is empty or ends in "/", up to the
	// next "/", each once, sorted. A folder may have become empty.
	Folders(ctx context.Context, prefix string) ([]string, error)
	// Delete removes objects; those that aren't there are no error.
	Delete(ctx context.Context, names ...string) error
}

var (
	segmentPattern = regexp.MustCompile(`^[A-Za-z0-9._=-]{1,200}$`)
	partialPattern = regexp.MustCompile(`^[A-Za-z0-9._=-]{0,200}$`)
)

// temporary begins the names of what isn't an object yet.
const temporary = ".tmp"

func validSegment(segment string) bool {
	return segmentPattern.MatchString(segment) && segment != "." && segment != ".." && !strings.HasPrefix(segment, temporary)
}

// validName tells whether an object may have a name.
func validName(name string) bool {
	if len(name) > MaxName {
		return false
	}
	for segment := range strings.SplitSeq(name, "/") {
		if !validSegment(segment) {
			return false
		}
	}
	return true
}

func checkName(name string) error {
	if !validName(name) {
		return fmt.Errorf("%.100q can't name an object: up to %d bytes in segments of letters, digits and . _ = - can", name, MaxName)
	}
	return nil
}

// checkBeginning refuses what no object's name begins with: a path that leads elsewhere
// is no prefix.
func checkBeginning(text string) error {
	folder, rest := cut(text)
	if len(text) > MaxName || folder != "" && !validName(strings.TrimSuffix(folder, "/")) || !partialPattern.MatchString(rest) {
		return fmt.Errorf("no object's name begins with %.100q", text)
	}
	return nil
}

// cut splits behind the last slash.
func cut(text string) (folder, rest string) {
	i := strings.LastIndexByte(text, '/') + 1
	return text[:i], text[i:]
}

func checkFolder(prefix string) error {
	if _, rest := cut(prefix); rest != "" {
		return fmt.Errorf("%.100q is no folder: its last letter must be a slash", prefix)
	}
	return checkBeginning(prefix)
}

func checkPut(name string, body []byte) error {
	if len(body) > MaxSize {
		return fmt.Errorf("%d bytes are more than the %d that an object may have", len(body), MaxSize)
	}
	return checkName(name)
}

func checkGet(name string, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("an object can't be read from offset %d", offset)
	}
	return checkName(name)
}

func checkList(prefix, after string) error {
	if err := checkBeginning(prefix); err != nil {
		return err
	}
	return checkBeginning(after)
}
