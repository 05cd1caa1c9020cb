package checkout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/kayci/kayci/checkout/plan"
)

// submodules checks out those of a commit, and theirs, as any other source: git's own
// command for it is a script that configures itself by what the repository holds.
func (a attempt) submodules(ctx context.Context, commit string, depth int) error {
	if _, err := a.git.run(ctx, plan.HasModules(commit)); kindOf(err) == plan.NoFile {
		return nil
	} else if err != nil {
		return a.explain(ctx, err)
	}
	if depth == plan.MaxSubmoduleDepth {
		return fmt.Errorf("submodules stand in each other more than %d deep", plan.MaxSubmoduleDepth)
	}
	out, err := a.git.run(ctx, plan.Modules(commit))
	if err != nil {
		return a.explain(ctx, err)
	}
	modules, err := plan.ReadModules(out)
	if err != nil {
		return err
	}
	out, err = a.git.run(ctx, plan.Links(commit, modules))
	if err != nil {
		return a.explain(ctx, err)
	}
	links := plan.ReadLinks(out)
	for _, module := range modules {
		if linked := links[module.Path]; linked != "" {
			if err := a.submodule(ctx, module, linked, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a attempt) submodule(ctx context.Context, module plan.Module, commit string, depth int) error {
	there, err := folder(a.git.dir, module.Path)
	if err != nil || !there {
		return err
	}
	opts := a.opts
	opts.Source, err = a.source.Submodule(module, commit)
	if err != nil {
		return err
	}
	opts.Root, opts.Dir = a.git.dir, module.Path
	if _, err := run(ctx, opts, depth+1); err != nil {
		return fmt.Errorf("the submodule %s: %w", module.Path, err)
	}
	return nil
}

// folder reports whether a path is a folder, as git makes one for a submodule. A link on
// the way to it could lead to git's own files.
func folder(dir, name string) (there bool, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	way := ""
	for part := range strings.SplitSeq(name, "/") {
		way = path.Join(way, part)
		info, err := root.Lstat(way)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		case !info.IsDir():
			return false, fmt.Errorf("the submodule %.100q lies behind %.100q, which is no folder", name, way)
		}
	}
	return true, nil
}
