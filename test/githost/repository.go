package githost

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/kayci/kayci/test/gitclone"
)

// Branch is the one branch of every repository.
const Branch = "main"

var repositoryName = regexp.MustCompile(`^(private/)?[a-z0-9][a-z0-9-]*$`)

// Repository is a bare repository of a host, with a clone of it to commit in.
type Repository struct {
	*gitclone.Clone

	// Name, relative to the host's folder and without .git.
	Name string
}

// Create makes an empty repository and clones it into a folder, which must be
// empty or missing. A bare repository that exists is used as it is.
func (h *Host) Create(ctx context.Context, name, clone string) (*Repository, error) {
	if !repositoryName.MatchString(name) {
		return nil, fmt.Errorf("create repository %q: the name may hold lower-case letters, digits and dashes", name)
	}
	bare := filepath.Join(h.Dir, filepath.FromSlash(name)+".git")
	steps := [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=" + Branch, bare},
		{"-C", bare, "config", "http.receivepack", "true"},
	}
	for _, args := range steps {
		if _, err := gitclone.Git(ctx, h.Credentials, args...); err != nil {
			return nil, fmt.Errorf("create repository %s: %w", name, err)
		}
	}
	c, err := gitclone.Make(ctx, h.URL(name), clone, Branch, h.Credentials)
	if err != nil {
		return nil, fmt.Errorf("create repository %s: %w", name, err)
	}
	return &Repository{Clone: c, Name: name}, nil
}
