// Package gitclone commits in a clone of a git repository and pushes over HTTP, with
// the git program, as the people do who push to a host.
package gitclone

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Credentials of who commits and pushes.
type Credentials struct {
	Username string
	Password string
}

// Clone is a clone of a repository, with one branch checked out.
type Clone struct {
	// URL that it was cloned from, without credentials.
	URL string

	dir         string
	credentials Credentials
}

// Make clones a repository, which may be empty, into a folder, which must be empty
// or missing, and checks out a branch, which may be new.
func Make(ctx context.Context, url, dir, branch string, credentials Credentials) (*Clone, error) {
	c := &Clone{URL: url, dir: dir, credentials: credentials}
	if _, err := Git(ctx, credentials, "clone", "--quiet", url, dir); err != nil {
		return nil, err
	}
	return c, c.Switch(ctx, branch)
}

// Switch checks out a branch. One that is neither here nor at the host begins at
// the commit that is checked out, and is at the host once something is pushed.
func (c *Clone) Switch(ctx context.Context, branch string) error {
	if _, err := c.git(ctx, "checkout", "--quiet", branch, "--"); err == nil {
		return nil
	}
	_, err := c.git(ctx, "checkout", "--quiet", "-B", branch)
	return err
}

// Write puts files into the clone, by slash-separated path, for the next Push.
func (c *Clone) Write(files map[string]string) error {
	for name, content := range files {
		target := filepath.Join(c.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(target, []byte(content), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// Copy puts a tree of files into the clone's root, for the next Push.
func (c *Clone) Copy(files fs.FS) error {
	contents := map[string]string{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		contents[name] = string(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("copy files: %w", err)
	}
	return c.Write(contents)
}

// Link puts a symbolic link into the clone, for the next Push.
func (c *Clone) Link(name, target string) error {
	link := filepath.Join(c.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	if err := os.Symlink(target, link); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

// Remove takes files or folders out of the clone, for the next Push.
func (c *Clone) Remove(names ...string) error {
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(c.dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// Push commits what the clone's folder holds, even if nothing has changed, and
// pushes it to the branch that is checked out. It returns the commit.
func (c *Clone) Push(ctx context.Context, message string) (string, error) {
	steps := [][]string{
		{"add", "--all"},
		{"commit", "--quiet", "--allow-empty", "--message", message},
		{"push", "--quiet", "origin", "HEAD"},
	}
	for _, args := range steps {
		if _, err := c.git(ctx, args...); err != nil {
			return "", fmt.Errorf("push to %s: %w", c.URL, err)
		}
	}
	commit, err := c.git(ctx, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// PushRef has a ref of the host, a tag or a branch, be at the commit that is checked
// out: refs/tags/v1.0.0, for one.
func (c *Clone) PushRef(ctx context.Context, ref string) error {
	_, err := c.git(ctx, "push", "--quiet", "--force", "origin", "HEAD:"+ref)
	return err
}

// DeleteRef deletes a ref of the host.
func (c *Clone) DeleteRef(ctx context.Context, ref string) error {
	_, err := c.git(ctx, "push", "--quiet", "origin", ":"+ref)
	return err
}

func (c *Clone) git(ctx context.Context, args ...string) (string, error) {
	return Git(ctx, c.credentials, append([]string{"-C", c.dir}, args...)...)
}

// Git runs the program with the credentials in its environment, where neither the
// list of processes nor an error's text shows them.
func Git(ctx context.Context, credentials Credentials, args ...string) (string, error) {
	basic := base64.StdEncoding.EncodeToString([]byte(credentials.Username + ":" + credentials.Password))
	name, email := credentials.Username, credentials.Username+"@example.com"
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(os.Environ(), Isolated()...)
	cmd.Env = append(
		cmd.Env,
		"GIT_AUTHOR_NAME="+name, "GIT_AUTHOR_EMAIL="+email, "GIT_COMMITTER_NAME="+name, "GIT_COMMITTER_EMAIL="+email,
		"GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+basic,
		// CGI can't take a body of unknown length, which is how git sends large ones.
		"GIT_CONFIG_KEY_1=http.postBuffer", "GIT_CONFIG_VALUE_1=104857600",
	)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Isolated keeps the configuration of the person who runs this (signing, hooks,
// credential helpers) out of git.
func Isolated() []string {
	return []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0"}
}
