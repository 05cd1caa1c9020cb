// Package build builds the cluster's programs from source, once, into a cache
// that every tree of the machine shares.
//
// A program's folder in the cache is named by a hash of all that it is built
// from, is complete from the moment that it exists, and never changes.
package build

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/kayci/kayci/local/progress"
)

// Cache is a folder of built programs and of images.
type Cache struct{ Dir string }

// Bin is the folder with a symlink for each name that a program answers to.
// Its path never changes; it serves envtest as KUBEBUILDER_ASSETS.
func (c Cache) Bin() string { return filepath.Join(c.Dir, "bin") }

// Program is a Go program and the names that it answers to.
type Program struct {
	Name string
	// Module is the folder of the program's module in the source. Package is the
	// program's folder in that, ./ or below, or a package of a module that it requires.
	Module, Package string
	Links           []string
	LDFlags         string
	// Tags are build tags. CGO says that C is part of the program, which takes a
	// compiler of C.
	Tags string
	CGO  bool
	// Hint says what to expect of a first build.
	Hint string
}

// Toolchain identifies the Go that builds: version, system and architecture.
func Toolchain(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return "", fmt.Errorf("ask go for its version: %w", err)
	}
	return strings.Join(strings.Fields(string(out)), " "), nil
}

// Ensure builds those programs that the cache lacks and points the links of Bin
// at them. It may run any number of times at once.
func (c Cache) Ensure(ctx context.Context, out *progress.Printer, source string, programs []Program) error {
	toolchain, err := Toolchain(ctx)
	if err != nil {
		return err
	}
	for _, p := range programs {
		hash, err := p.hash(source, toolchain)
		if err != nil {
			return fmt.Errorf("hash the source of %s: %w", p.Name, err)
		}
		built := filepath.Join(c.Dir, p.Name+"-"+hash, p.Name)
		if err := c.ensure(ctx, out, source, p, built); err != nil {
			return err
		}
		if err := c.link(p, built); err != nil {
			return fmt.Errorf("link %s: %w", p.Name, err)
		}
	}
	return nil
}

func (c Cache) ensure(ctx context.Context, out *progress.Printer, source string, p Program, built string) error {
	if exists(built) {
		return nil
	}
	unlock, err := c.lock(p.Name)
	if err != nil {
		return err
	}
	defer unlock()
	if exists(built) { // built while this one waited
		return nil
	}
	temporary, err := os.MkdirTemp(c.Dir, ".build-*")
	if err != nil {
		return fmt.Errorf("make a folder to build in: %w", err)
	}
	defer os.RemoveAll(temporary)
	err = out.Step("building "+p.Name+p.Hint, func(report func(string)) error {
		return p.build(ctx, source, filepath.Join(temporary, p.Name), report)
	})
	if err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Dir(built))
}

func (p Program) build(ctx context.Context, source, output string, report func(string)) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-tags", p.Tags, "-ldflags", p.LDFlags, "-o", output, p.Package)
	cmd.Dir = filepath.Join(source, p.Module)
	// -buildvcs=false, or a program would differ from commit to commit.
	cgo := "0"
	if p.CGO {
		cgo = "1"
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOWORK=off", "GOFLAGS=-buildvcs=false")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go build: %w", err)
	}
	said := watch(stderr, report)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", p.Name, err, strings.Join(said, "\n"))
	}
	return nil
}

// watch counts the packages that go build names and returns its last lines.
func watch(stderr io.Reader, report func(string)) (last []string) {
	count := 0
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		line := lines.Text()
		if last = append(last, line); len(last) > 20 {
			last = last[1:]
		}
		switch {
		case strings.HasPrefix(line, "go: downloading"):
			report(line)
		case !strings.Contains(line, " "):
			count++
			report(fmt.Sprintf("%d packages compiled", count))
		}
	}
	_, _ = io.Copy(io.Discard, stderr)
	return last
}

// hash covers the module's files, the package's Go files and the toolchain. The
// files of a module that is required are covered by go.sum.
func (p Program) hash(source, toolchain string) (string, error) {
	module := filepath.Join(source, p.Module)
	var files []string
	if strings.HasPrefix(p.Package, ".") {
		var err error
		if files, err = goFiles(filepath.Join(module, p.Package)); err != nil {
			return "", err
		}
	}
	if p.Module != "." { // a package of this module uses nothing but the standard library
		files = append(files, filepath.Join(module, "go.mod"), filepath.Join(module, "go.sum"))
	}
	slices.Sort(files)
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", toolchain, p.LDFlags)
	if p.CGO || p.Tags != "" {
		fmt.Fprintf(h, "%q %t\n", p.Tags, p.CGO)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d\n%s", filepath.Base(f), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func goFiles(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	return files, nil
}

func (c Cache) link(p Program, built string) error {
	if err := os.MkdirAll(c.Bin(), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(c.Bin(), built)
	if err != nil {
		return err
	}
	unlock, err := c.lock("links")
	if err != nil {
		return err
	}
	defer unlock()
	for _, name := range p.Links {
		link := filepath.Join(c.Bin(), name)
		if now, err := os.Readlink(link); err == nil && now == target {
			continue
		}
		temporary := filepath.Join(c.Bin(), ".new")
		if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Symlink(target, temporary); err != nil {
			return err
		}
		if err := os.Rename(temporary, link); err != nil {
			return err
		}
	}
	return nil
}

// lock waits until nobody else builds the program. The kernel lets go of the
// lock when its holder ends, however that happens.
func (c Cache) lock(name string) (unlock func(), err error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(c.Dir, "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
