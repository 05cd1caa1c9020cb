package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a folder of keys, as a Secret has them that is mounted.
const (
	// KeyFile holds the key to seal with.
	KeyFile = "key"
	// OldKeyFile, if it is there, holds the one before: what was sealed with it can be
	// opened until it is taken away.
	OldKeyFile = "key.old"
)

// Folder returns a box with the keys of a folder as they are now.
func Folder(dir string) (*Box, error) {
	key, err := os.ReadFile(filepath.Join(dir, KeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the key of sessions: %w", err)
	}
	keys := [][]byte{key}
	old, err := os.ReadFile(filepath.Join(dir, OldKeyFile))
	switch {
	case err == nil:
		keys = append(keys, old)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the old key of sessions: %w", err)
	}
	box, err := New(keys...)
	if err != nil {
		return nil, fmt.Errorf("read the keys of sessions in %s: %w", dir, err)
	}
	return box, nil
}
