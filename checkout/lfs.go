package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kayci/kayci/checkout/plan"
)

// beginLFS makes the repository that Git LFS works in. What the checkout's own says isn't
// for it: a commit's .lfsconfig may name any server, or have failures passed over.
func (a attempt) beginLFS(ctx context.Context) error {
	if _, err := exec.LookPath("git-lfs"); err != nil {
		return errors.New("the image has no git-lfs, which lfs=true (--lfs) needs: use KayCI's image with git, or add git-lfs to yours")
	}
	alone := a.git
	alone.environ = slices.DeleteFunc(slices.Clone(a.git.environ), func(variable string) bool {
		return strings.HasPrefix(variable, "GIT_DIR=") || strings.HasPrefix(variable, "GIT_WORK_TREE=")
	})
	if _, err := alone.run(ctx, plan.Empty(filepath.Join(a.folder, plan.LFSClient))); err != nil {
		return a.explain(ctx, err)
	}
	return nil
}

// endLFS removes what Git LFS has left: the files once more, and logs of its failures, which
// hold its environment and so a token.
func endLFS(folder string) error {
	if err := os.RemoveAll(filepath.Join(folder, plan.LFSClient)); err != nil {
		return fmt.Errorf("remove what Git LFS has left: %w", err)
	}
	return nil
}

// settle leaves an index that is younger than the files: of files that are as old as their
// index git compares what is in them, and in a later step, which may have no Git LFS, they
// would differ from their pointers.
func (a attempt) settle(ctx context.Context) error {
	if err := a.opts.Wait(ctx, time.Second); err != nil {
		return a.explain(ctx, err)
	}
	if _, err := a.git.run(ctx, plan.Rewrite()); err != nil {
		return a.explain(ctx, err)
	}
	return nil
}
