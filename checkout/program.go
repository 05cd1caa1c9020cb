package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kayci/kayci/checkout/plan"
)

// The most that is kept of what git prints.
const maxPrinted = 64 << 10

// program is git, called in a folder.
type program struct {
	dir     string
	environ []string
	hide    hider
}

// failure is git's own.
type failure struct {
	command plan.Command
	// said is the end of what it printed, without credentials.
	said string
}

// Error names the command.
func (f *failure) Error() string { return "git " + f.command[0] + ": " + f.said }

func kindOf(err error) plan.Kind {
	if f, is := errors.AsType[*failure](err); is {
		return plan.KindOf(f.said)
	}
	return plan.Other
}

func (p program) run(ctx context.Context, command plan.Command) (string, error) {
	cmd := exec.CommandContext(ctx, "git", command...)
	cmd.Dir, cmd.Env = p.dir, p.environ
	// git removes its lock files when it is asked to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr tail
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return "", &failure{command, p.hide.from(stderr.String())}
	}
	return stdout.String(), err
}

// tail keeps the end of what is written.
type tail struct{ bytes.Buffer }

// Write keeps the end.
func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if over := t.Len() - maxPrinted; over > 0 {
		t.Next(over)
	}
	return n, err
}

// environment is all that git finds in its own. Variables that make it do other things
// than it is told stay out, whoever has set them for all containers.
func environment(from []string, scratch string, source plan.Source, access plan.Access) []string {
	passed := []string{
		"PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	}
	var environ []string
	for _, variable := range from {
		if name, _, _ := strings.Cut(variable, "="); slices.Contains(passed, name) {
			environ = append(environ, variable)
		}
	}
	environ = append(
		environ,
		"HOME=/nonexistent", "TMPDIR="+scratch, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_DIR="+scratch, "GIT_WORK_TREE=.",
	)
	settings := source.Config(access)
	environ = append(environ, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings)))
	for i, setting := range settings {
		environ = append(environ, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, setting.Name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, setting.Value))
	}
	return environ
}
