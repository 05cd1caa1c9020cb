package render

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

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
// the caches.
type jail struct {
	root *os.Root
	// vendor are the folders that are searched after those of the importing file.
	vendor  []string
	library jsonnet.Contents
	texts   map[string]jsonnet.Contents
	bytes   map[string]jsonnet.Contents
	// binary has, of each file that uses importbin, how it takes what it imports.
	binary map[string]imports
	// looked is what imports of each file have looked for.
	looked looked
}

func newJail(root *os.Root, entryFolder string) *jail {
	return &jail{
		root:    root,
		vendor:  vendorFolders(entryFolder),
		library: jsonnet.MakeContents(library),
		texts:   map[string]jsonnet.Contents{},
		bytes:   map[string]jsonnet.Contents{},
		binary:  map[string]imports{},
		looked:  looked{},
	}
}

// vendorFolders returns the vendor folder of a folder and of each one above it,
// nearest first, as jsonnet-bundler may have been run in any of them.
func vendorFolders(folder string) []string {
	var folders []string
	for dir := path.Clean(folder); ; dir = path.Dir(dir) {
		folders = append(folders, path.Join(dir, "vendor"))
		if dir == path.Dir(dir) {
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
	read := j.reader(importedFrom, importedPath)
	for i, name := range candidates {
		contents, foundAt, err := read(name)
		if err == nil {
			j.looked.add(importedFrom, importedPath, candidates[:i+1], foundAt)
			return contents, foundAt, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return jsonnet.Contents{}, "", fmt.Errorf("import %q: %w", importedPath, err)
		}
	}
	if importedPath == LibraryName {
		foundAt := "<" + LibraryName + ">"
		j.looked.add(importedFrom, importedPath, candidates, foundAt)
		return j.library, foundAt, nil
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
	// A folder that every file sees comes after those that only this one does.
	own := slices.DeleteFunc(vendorFolders(from), func(folder string) bool { return slices.Contains(j.vendor, folder) })
	var candidates []string
	for i, folder := range slices.Concat([]string{from}, own, j.vendor) {
		name := path.Join(folder, importedPath)
		switch {
		case slices.Contains(candidates, name):
		case fs.ValidPath(name) && name != ".":
			candidates = append(candidates, name)
		case i == 0:
			return nil, fmt.Errorf("import %q: the path leaves the repository", importedPath)
		}
	}
	return candidates, nil
}

// text reads a file that is meant as code or as a string.
func (j *jail) text(name string) (contents jsonnet.Contents, foundAt string, err error) {
	if contents, ok := j.texts[name]; ok {
		return contents, name, nil
	}
	data, err := readFile(j.root, name)
	if err != nil {
		return contents, "", err
	}
	data, err = plainText(data)
	if err != nil {
		return contents, "", fmt.Errorf("%s: %w (importbin takes any file)", name, err)
	}
	if line := loneCR(data); line > 0 && isCode(name) {
		// A comment would go on to the end of the file.
		return contents, "", fmt.Errorf("%s: %w", name, lineError{line, `a carriage return ends no line: save the file with LF at the end of its lines, and write \r in a string`})
	}
	contents = jsonnet.MakeContentsRaw(data)
	j.texts[name] = contents
	return contents, name, nil
}

func isCode(name string) bool {
	extension := strings.ToLower(path.Ext(name))
	return extension == ".jsonnet" || extension == ".libsonnet"
}

// verbatim reads a file that is meant as bytes. It is found at a place of its
// own, because what is found at one place must always be the same.
func (j *jail) verbatim(name string) (contents jsonnet.Contents, foundAt string, err error) {
	foundAt = "importbin " + name
	if contents, ok := j.bytes[name]; ok {
		return contents, foundAt, nil
	}
	data, err := readFile(j.root, name)
	if err != nil {
		return contents, "", err
	}
	contents = jsonnet.MakeContentsRaw(data)
	j.bytes[name] = contents
	return contents, foundAt, nil
}

// readFile reads a regular file below root, following symlinks that stay there.
func readFile(root *os.Root, name string) ([]byte, error) {
	if _, err := regularSize(root, name); err != nil {
		return nil, err
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, jailError(name, err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxFileSize))
}

// regularSize returns the size of a file that may be read. It is fs.ErrNotExist that
// there is none.
func regularSize(root *os.Root, name string) (int64, error) {
	info, err := root.Stat(name)
	if err != nil {
		return 0, jailError(name, err)
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a regular file", name)
	}
	if info.Size() > maxFileSize {
		return 0, fmt.Errorf("%s is larger than %d MiB", name, maxFileSize>>20)
	}
	return info.Size(), nil
}

// jailError keeps what the caller must tell apart, and says the rest without
// the path of the temporary folder. A path through a file is a missing file.
func jailError(name string, err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return fs.ErrNotExist
	case errors.As(err, &pathError) && strings.Contains(pathError.Err.Error(), "escapes"):
		return fmt.Errorf("%s is or lies behind a symlink that leaves the repository", name)
	case errors.As(err, &pathError):
		return fmt.Errorf("read %s: %w", name, pathError.Err)
	default:
		return fmt.Errorf("read %s: %w", name, err)
	}
}
