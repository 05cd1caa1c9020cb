package githost

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Branch is the one branch of every repository.
const Branch = "main"

var repositoryName = regexp.MustCompile(`^(private/)?[a-z0-9][a-z0-9-]*$`)

// Repository is a bare repository of a site, with a clone of it to commit in.
type Repository struct {
	// URL to clone from, without credentials.
	URL string
	// Name, relative to the site and without .git.
	Name string

	clone       string
	credentials Credentials
}

// Create makes an empty repository and clones it into a folder, which must be
// empty or missing. A bare repository that exists is used as it is.
func (s Site) Create(ctx context.Context, name, clone string) (*Repository, error) {
	if !repositoryName.MatchString(name) {
		return nil, fmt.Errorf("create repository %q: the name may hold lower-case letters, digits and dashes", name)
	}
	bare := filepath.Join(s.Dir, filepath.FromSlash(name)+".git")
	r := &Repository{URL: s.URL(name), Name: name, clone: clone, credentials: s.Credentials}
	steps := [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=" + Branch, bare},
		{"-C", bare, "config", "http.receivepack", "true"},
		{"clone", "--quiet", r.URL, clone},
		{"-C", clone, "checkout", "--quiet", "-B", Branch},
	}
	for _, args := range steps {
		if _, err := r.git(ctx, args...); err != nil {
			return nil, fmt.Errorf("create repository %s: %w", name, err)
		}
	}
	return r, nil
}

// Write puts files into the clone, by slash-separated path, for the next Push.
func (r *Repository) Write(files map[string]string) error {
	for name, content := range files {
		target := filepath.Join(r.clone, filepath.FromSlash(name))
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
func (r *Repository) Copy(files fs.FS) error {
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
	return r.Write(contents)
}

// Link puts a symbolic link into the clone, for the next Push.
func (r *Repository) Link(name, target string) error {
	link := filepath.Join(r.clone, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	if err := os.Symlink(target, link); err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

// Remove takes files or folders out of the clone, for the next Push.
func (r *Repository) Remove(names ...string) error {
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(r.clone, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// Push commits what the clone's folder holds, even if nothing has changed, and
// pushes it over HTTP. It returns the commit.
func (r *Repository) Push(ctx context.Context, message string) (string, error) {
	steps := [][]string{
		{"-C", r.clone, "add", "--all"},
		{"-C", r.clone, "commit", "--quiet", "--allow-empty", "--message", message},
		{"-C", r.clone, "push", "--quiet", "origin", Branch},
	}
	for _, args := range steps {
		if _, err := r.git(ctx, args...); err != nil {
			return "", fmt.Errorf("push to %s: %w", r.Name, err)
		}
	}
	commit, err := r.git(ctx, "-C", r.clone, "rev-parse", "HEAD")
	if err != nil {
		return "", fmt.Errorf("push to %s: %w", r.Name, err)
	}
	return strings.TrimSpace(commit), nil
}

// git runs the program with the credentials in its environment, where neither
// the list of processes nor an error's text shows them.
func (r *Repository) git(ctx context.Context, args ...string) (string, error) {
	basic := base64.StdEncoding.EncodeToString([]byte(r.credentials.Username + ":" + r.credentials.Password))
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(os.Environ(), isolatedConfig()...)
	cmd.Env = append(
		cmd.Env,
		"GIT_AUTHOR_NAME=KayCI", "GIT_AUTHOR_EMAIL=kayci@example.com",
		"GIT_COMMITTER_NAME=KayCI", "GIT_COMMITTER_EMAIL=kayci@example.com",
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
