package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// entryFiles lists the entry files below a folder of the tree, sorted. A folder
// that is a symlink is not walked; a file that is one is an entry.
func entryFiles(ctx context.Context, root *os.Root, folder string, ignore []string, limit int) ([]string, error) {
	info, err := root.Stat(folder)
	switch {
	case err != nil && errors.Is(jailError(folder, err), fs.ErrNotExist):
		return nil, Errors{{File: folder, Message: "the commit has no such folder"}}
	case err != nil:
		return nil, Errors{{File: folder, Message: jailError(folder, err).Error()}}
	case !info.IsDir():
		return nil, Errors{{File: folder, Message: "is a file; spec.path names a folder"}}
	}
	var files []string
	err = fs.WalkDir(root.FS(), folder, func(name string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		switch {
		case d.IsDir() && (name != folder && skipped(d.Name()) || ignored(ignore, name)):
			return fs.SkipDir
		case d.IsDir() || !isEntry(d.Name()) || ignored(ignore, name):
			return nil
		case len(files) == limit:
			return Errors{{File: folder, Message: fmt.Sprintf("holds more than %d entry files", limit)}}
		}
		files = append(files, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	return files, nil
}

// skipped reports whether a name marks a file or folder as no place for entries.
func skipped(name string) bool {
	return name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func ignored(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		return doublestar.MatchUnvalidated(strings.TrimSuffix(glob, "/"), name)
	})
}

// isEntry reports whether a file is evaluated on its own. The two files that
// jsonnet-bundler keeps beside its vendor folder are not.
func isEntry(name string) bool {
	if skipped(name) || name == "jsonnetfile.json" || name == "jsonnetfile.lock.json" {
		return false
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonnet", ".yaml", ".yml", ".json":
		return true
	default:
		return false
	}
}

// entryFolder cleans Options.Path.
func entryFolder(folder string) (string, error) {
	if path.IsAbs(folder) || strings.ContainsAny(folder, "\x00\\") {
		return "", Errors{{File: folder, Message: "the path must be relative to the repository's root"}}
	}
	cleaned := path.Clean(folder)
	if !fs.ValidPath(cleaned) {
		return "", Errors{{File: folder, Message: "the path leaves the repository"}}
	}
	return cleaned, nil
}
