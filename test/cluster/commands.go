package cluster

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// environment is where the local cluster's programs and credentials are.
type environment struct {
	bin, kubeconfig string
}

func (c *Cluster) environment(ctx context.Context) (environment, error) {
	var exports bytes.Buffer
	if err := c.local(ctx, &exports, "env"); err != nil {
		return environment{}, fmt.Errorf("ask for the cluster's kubeconfig: %w", err)
	}
	script := exports.String() + `printf '%s\n%s\n' "$KUBEBUILDER_ASSETS" "$KUBECONFIG"`
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	if c.opts.Current {
		cmd.Env = []string{} // a list of several files isn't one path: client-go reads the variable itself
	}
	out, err := cmd.Output()
	if err != nil {
		return environment{}, fmt.Errorf("read the local cluster's environment: %w", err)
	}
	lines := strings.Split(string(out), "\n")
	return environment{bin: lines[0], kubeconfig: lines[1]}, nil
}

// local runs the program that runs the local cluster. Its standard output goes
// to out, if that isn't nil; a person sees what it says while it works.
func (c *Cluster) local(ctx context.Context, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", "-C", filepath.Join(c.opts.Source, "local"), "."}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &stderr
	if shown := args[0] != "status" && args[0] != "env"; shown {
		cmd.Stderr = io.MultiWriter(c.opts.Progress.out, &stderr)
	}
	if c.opts.Current {
		cmd.Env = append(os.Environ(), "KAYCI_CLUSTER=current")
	}
	return run(cmd, &stderr)
}

// Kubectl runs kubectl on the cluster and returns what it prints.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.kubectl, args...)
	cmd.Env = c.kubeEnv()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := run(cmd, &stderr)
	return stdout.String(), err
}

// helm runs helm, which reads in and writes to out, if they aren't nil.
func (c *Cluster) helm(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
	if _, err := exec.LookPath("helm"); err != nil {
		return fmt.Errorf("%w: the targets of the Makefile build it, `make demo` for one", err)
	}
	cmd := exec.CommandContext(ctx, "helm", args...)
	cmd.Env = c.kubeEnv()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &stderr
	return run(cmd, &stderr)
}

func (c *Cluster) kubeEnv() []string {
	if c.Kubeconfig == "" {
		return os.Environ()
	}
	return append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
}

// run adds to an error the command and the end of what it said.
func run(cmd *exec.Cmd, stderr *bytes.Buffer) error {
	err := cmd.Run()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(stderr.String())
	if limit := 4000; len(said) > limit {
		said = "…" + said[len(said)-limit:]
	}
	return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, said)
}
