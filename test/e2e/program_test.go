package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// builder builds the program once.
type builder struct {
	once sync.Once
	dir  string
	err  error
}

// remove takes the program away.
func (b *builder) remove() error {
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

var program builder

// ready builds the program, which may take longer than a Run.
func (b *builder) ready(t *testing.T) {
	t.Helper()
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "kayci-e2e-"); b.err != nil { //nolint:usetesting // other tests use it, too
			return
		}
		build := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-o", filepath.Join(b.dir, "kayci"), "./cmd/kayci")
		build.Dir = "../.."
		if said, err := build.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("%w: %s", err, said)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
}

// kayci is the program as a person has it.
func (b *builder) kayci(t *testing.T, s *space, args ...string) *exec.Cmd {
	t.Helper()
	b.ready(t)
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, "kayci"), append(args, "--kubeconfig", shared.Kubeconfig, "--namespace", s.namespace)...)
	cmd.Dir = t.TempDir()
	return cmd
}

// ended is how a command has.
type ended struct {
	out, err string
	code     int
}

// finish runs a command to its end.
func finish(t *testing.T, cmd *exec.Cmd) ended {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return ended{out.String(), said.String(), cmd.ProcessState.ExitCode()}
}

// lines of a text.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }
