package checkout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// marker is a file of a checkout that this package has begun.
const marker = ".git/kayci-checkout"

// prepare makes the folder, or empties it if an earlier checkout has made it: a node
// that restarts runs a pod's steps again. What else is there stays, and is an error: a
// repository that another step has left may hold configuration that runs programs.
func prepare(root, dir string) (string, error) {
	if !filepath.IsLocal(dir) {
		return "", errors.New("it must lie below the folder that the step starts in")
	}
	base, err := os.OpenRoot(root)
	if err != nil {
		return "", err
	}
	defer base.Close()
	if err := base.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	target, err := base.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer target.Close()
	if err := empty(target); err != nil {
		return "", err
	}
	if err := target.Mkdir(".git", 0o777); err != nil {
		return "", err
	}
	if err := target.WriteFile(marker, nil, 0o666); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, dir))
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func empty(target *os.Root) error {
	names, err := fs.ReadDir(target.FS(), ".")
	if err != nil {
		return err
	}
	_, unmarked := target.Lstat(marker)
	for _, name := range names {
		// A file system's own, at the root of a volume.
		if name.Name() == "lost+found" {
			continue
		}
		if unmarked != nil {
			return fmt.Errorf("it holds %.100q, which no earlier checkout has made: check out into an empty folder (dir, --dir)", name.Name())
		}
		if err := target.RemoveAll(name.Name()); err != nil {
			return err
		}
	}
	return nil
}
