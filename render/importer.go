package render

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/google/go-jsonnet"
)

// LibraryName is the name that the built-in library is imported by. A file of
// that name in the commit or its vendor folder wins.
const LibraryName = "kayci.libsonnet"

//go:embed lib/kayci.libsonnet
var library string

// maxFileSize bounds one file that is read for an evaluation.
const maxFileSize = 8 << 20

// jail is a jsonnet importer that sees one commit's tree and the built-in
// library. It must return the same contents for the same path each time, hence
// the cache.
type jail struct {
	root *os.Root
	// vendor are the folders that are searched after the importing file's own.
	vendor  []string
	library jsonnet.Contents
	cache   map[string]jsonnet.Contents
}

func newJail(root *os.Root, entryFolder string) *jail {
	return &jail{
		root:    root,
		vendor:  vendorFolders(entryFolder),
		library: jsonnet.MakeContents(library),
		cache:   map[string]jsonnet.Contents{},
	}
}

// vendorFolders returns the vendor folder of the entry folder and of each one
// above it, nearest first, as jsonnet-bundler may have been run in any of them.
func vendorFolders(folder string) []string {
	var folders []string
	for dir := path.Clean(folder); ; dir = path.Dir(dir) {
		folders = append(folders, path.Join(dir, "vendor"))
		if dir == "." {
			return folders
		}
	}
}

// Import implements jsonnet.Importer.
func (j *jail) Import(importedFrom, importedPath string) (jsonnet.Contents, string, error) {
	candidates, err := j.candidates(importedFrom, importedPath)
	if err != nil {
		return jsonnet.Contents{}, "", err
	}
	for _, name := range candidates {
		contents, err := j.read(name)
		if err == nil {
			return contents, name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return jsonnet.Contents{}, "", fmt.Errorf("import %q: %w", importedPath, err)
		}
	}
	if importedPath == LibraryName {
		return j.library, "<" + LibraryName + ">", nil
	}
	return jsonnet.Contents{}, "", fmt.Errorf("import %q: no such file in the repository (tried %s)",
		importedPath, strings.Join(candidates, ", "))
}

// candidates lists the paths, relative to the root, that an import may mean.
func (j *jail) candidates(importedFrom, importedPath string) ([]string, error) {
	switch {
	case importedPath == "":
		return nil, errors.New("import of an empty path")
	case strings.ContainsAny(importedPath, "\x00\\"):
		return nil, fmt.Errorf("import %q: the path holds a character that is refused", importedPath)
	case strings.Contains(importedPath, "://"):
		return nil, fmt.Errorf("import %q: only files of the repository can be imported, not URLs", importedPath)
	case path.IsAbs(importedPath):
		return nil, fmt.Errorf("import %q: absolute paths are refused", importedPath)
	}
	from := "."
	if importedFrom != "" && !strings.HasPrefix(importedFrom, "<") {
		from = path.Dir(importedFrom)
	}
	var candidates []string
	for i, folder := range append([]string{from}, j.vendor...) {
		name := path.Join(folder, importedPath)
		if fs.ValidPath(name) && name != "." {
			candidates = append(candidates, name)
		} else if i == 0 {
			return nil, fmt.Errorf("import %q: the path leaves the repository", importedPath)
		}
	}
	return candidates, nil
}

func (j *jail) read(name string) (jsonnet.Contents, error) {
	if contents, ok := j.cache[name]; ok {
		return contents, nil
	}
	data, err := readFile(j.root, name)
	if err != nil {
		return jsonnet.Contents{}, err
	}
	contents := jsonnet.MakeContentsRaw(data)
	j.cache[name] = contents
	return contents, nil
}

// readFile reads a regular file below root, following symlinks that stay there.
func readFile(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, jailError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxFileSize>>20)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, jailError(name, err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileSize))
}

// jailError keeps what the caller must tell apart, and says the rest without
// the path of the temporary folder. A path through a file is a missing file.
func jailError(name string, err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return fs.ErrNotExist
	case errors.As(err, &pathError) && strings.Contains(pathError.Err.Error(), "escapes"):
		return fmt.Errorf("%s is or lies behind a symlink that leaves the repository", name)
	case errors.As(err, &pathError):
		return fmt.Errorf("read %s: %w", name, pathError.Err)
	default:
		return fmt.Errorf("read %s: %w", name, err)
	}
}
