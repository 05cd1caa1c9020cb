package render

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxSurvey bounds the bytes of a tree that are read to compare it with another.
const maxSurvey = 64 << 20

// state is what there is at a path of a tree, as the importer sees it: nothing, or a
// file with a content. Which file a symlink leads to makes no difference.
type state struct {
	exists bool
	size   int64
	sum    [sha256.Size]byte
}

// survey finds out what there is in a tree. It reads through the same jail as the
// importer, each file once, and no more than the bound.
type survey struct {
	root *os.Root
	// left is how many bytes may still be read.
	left  int64
	known map[string]state
	// differ are paths that aren't what they were.
	differ map[string]bool
}

func newSurvey(root *os.Root) *survey {
	return &survey{root: root, left: maxSurvey, known: map[string]state{}, differ: map[string]bool{}}
}

// is reports whether a path is as it was in another tree. A file of another size
// isn't read.
func (s *survey) is(name string, was state) bool {
	if s.differ[name] {
		return false
	}
	now, ok := s.look(name, func(size int64) bool { return was.exists && was.size == size })
	if !ok || now != was {
		s.differ[name] = true
		return false
	}
	return true
}

// state returns what there is at a path, if that can be told.
func (s *survey) state(name string) (state, bool) {
	return s.look(name, func(int64) bool { return true })
}

func (s *survey) look(name string, worth func(size int64) bool) (state, bool) {
	if found, ok := s.known[name]; ok {
		return found, true
	}
	size, err := regularSize(s.root, name)
	if errors.Is(err, fs.ErrNotExist) {
		s.known[name] = state{}
		return state{}, true
	}
	if err != nil || size > s.left || !worth(size) {
		return state{}, false
	}
	found := state{exists: true, size: size}
	s.left -= size
	if found.sum, err = s.digest(name, size); err != nil {
		return state{}, false
	}
	s.known[name] = found
	return found, true
}

func (s *survey) digest(name string, size int64) (sum [sha256.Size]byte, err error) {
	file, err := s.root.Open(name)
	if err != nil {
		return sum, err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.CopyN(hash, file, size); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}
