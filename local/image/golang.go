package image

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Golang is this machine's Go and git, with busybox for a shell. Containers may
// run it as any user: what they write by default, they all may write to.
func Golang(ctx context.Context) (Image, error) {
	tree := NewTree()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return Image{}, err
	}
	if err := addBusybox(ctx, tree, busybox); err != nil {
		return Image{}, err
	}
	addAccounts(tree)
	if err := addCertificates(tree); err != nil {
		return Image{}, err
	}
	if err := addGo(ctx, tree); err != nil {
		return Image{}, fmt.Errorf("add Go: %w", err)
	}
	if err := addGit(ctx, tree); err != nil {
		return Image{}, fmt.Errorf("add git: %w", err)
	}
	for _, dir := range []string{"/go", "/go/bin", "/go/src", "/home/go"} {
		tree.Dir(dir, 0o1777, 0)
	}
	return Image{Tree: tree, Config: v1.Config{
		Cmd: []string{"sh"}, WorkingDir: "/go",
		Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:" + searchPath, "GOPATH=/go", "GOTOOLCHAIN=local", "HOME=/home/go",
		},
	}}, nil
}

// addGo adds GOROOT without what only Go's own tests need.
func addGo(ctx context.Context, tree *Tree) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("ask go for its root: %w", err)
	}
	root := strings.TrimSpace(string(out))
	return tree.Copy("/usr/local/go", root, func(path string, d fs.DirEntry) bool {
		if d.IsDir() {
			return d.Name() == "testdata" || slices.Contains([]string{"api", "doc", "test", "pkg/obj"}, path)
		}
		return strings.HasSuffix(path, "_test.go")
	})
}

// addGit adds git with its helpers, and the libraries that those load.
func addGit(ctx context.Context, tree *Tree) error {
	git, err := exec.LookPath("git")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, git, "--exec-path").Output()
	if err != nil {
		return fmt.Errorf("ask git for its helpers: %w", err)
	}
	helpers := strings.TrimSpace(string(out))
	if err := tree.File("/usr/bin/git", git); err != nil {
		return err
	}
	never := func(string, fs.DirEntry) bool { return false }
	if err := tree.Copy(helpers, helpers, never); err != nil {
		return err
	}
	const templates = "/usr/share/git-core/templates"
	if err := tree.Copy(templates, templates, never); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	programs := []string{git}
	entries, err := os.ReadDir(helpers)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if path := filepath.Join(helpers, e.Name()); e.Type().IsRegular() && isELF(path) {
			programs = append(programs, path)
		}
	}
	return addLibraries(ctx, tree, programs)
}

func isELF(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// addLibraries adds what the dynamic loader loads for the programs, under the
// paths at which it finds them, and the loader itself.
func addLibraries(ctx context.Context, tree *Tree, programs []string) error {
	out, err := exec.CommandContext(ctx, "ldd", programs...).Output()
	if err != nil {
		return fmt.Errorf("ask ldd for libraries: %w", err)
	}
	libraries, err := parseLDD(string(out))
	if err != nil {
		return err
	}
	for _, library := range libraries {
		if err := tree.File(library, library); err != nil {
			return err
		}
	}
	return nil
}

// parseLDD returns the paths in what ldd says, each once and in order.
func parseLDD(text string) ([]string, error) {
	var paths []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "not found") {
			return nil, fmt.Errorf("a library is missing: %s", line)
		}
		for field := range strings.FieldsSeq(line) {
			if strings.HasPrefix(field, "/") && !strings.HasSuffix(field, ":") {
				paths = append(paths, field)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}
