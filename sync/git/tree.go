package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// maxLink is the length of a symlink's target.
const maxLink = 4096

// treeWriter writes a commit's files itself: a git worktree would bring hooks,
// filters, attributes and submodules along.
type treeWriter struct {
	objects storer.EncodedObjectStorer
	root    *os.Root
	limits  Limits
	report  reporter
	files   int
	bytes   int64
}

func writeTree(ctx context.Context, objects storer.EncodedObjectStorer, hash plumbing.Hash, dir string, limits Limits, report reporter) error {
	commit, err := object.GetCommit(objects, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		if _, other := objects.EncodedObject(plumbing.AnyObject, hash); other == nil {
			return report.fail(ReasonInvalidTree, "%s is not a commit", hash)
		}
	}
	if err != nil {
		return fmt.Errorf("read commit: %w: %w", errDamaged, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return report.fail(ReasonStorageFailed, "open the target folder: %v", err)
	}
	defer root.Close()
	w := &treeWriter{objects: objects, root: root, limits: limits, report: report}
	return w.folder(ctx, commit.TreeHash, "", 0)
}

func (w *treeWriter) folder(ctx context.Context, hash plumbing.Hash, name string, depth int) error {
	if depth > w.limits.Depth {
		return w.report.fail(ReasonTooLarge, "%s: folders are nested deeper than %d", foreign(name), w.limits.Depth)
	}
	tree, err := object.GetTree(w.objects, hash)
	if err != nil {
		return fmt.Errorf("read folder %q: %w: %w", name, errDamaged, err)
	}
	for _, entry := range tree.Entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !validName(entry.Name) {
			return w.report.fail(ReasonInvalidTree, "%s: the name %q is refused", foreign(path.Join("/", name)), foreign(entry.Name))
		}
		if w.files++; w.files > w.limits.Files {
			return w.report.fail(ReasonTooLarge, "the commit has more than %d files and folders", w.limits.Files)
		}
		if err := w.entry(ctx, entry, path.Join(name, entry.Name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) entry(ctx context.Context, entry object.TreeEntry, name string, depth int) error {
	switch entry.Mode {
	case filemode.Dir:
		if err := w.root.Mkdir(name, 0o700); err != nil {
			return w.refused(name, err)
		}
		return w.folder(ctx, entry.Hash, name, depth+1)
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		return w.file(entry.Hash, name)
	case filemode.Symlink:
		return w.link(entry.Hash, name)
	case filemode.Submodule:
		return nil
	default:
		return w.report.fail(ReasonInvalidTree, "%s: the mode %s is refused", foreign(name), entry.Mode)
	}
}

func (w *treeWriter) file(hash plumbing.Hash, name string) error {
	content, err := w.blob(hash, name, w.limits.FileBytes)
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := w.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return w.refused(name, err)
	}
	_, err = io.Copy(file, content)
	if err := file.Close(); err != nil {
		return w.refused(name, err)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w: %w", name, errDamaged, err)
	}
	return nil
}

func (w *treeWriter) link(hash plumbing.Hash, name string) error {
	content, err := w.blob(hash, name, maxLink)
	if err != nil {
		return err
	}
	defer content.Close()
	target, err := io.ReadAll(content)
	if err != nil {
		return fmt.Errorf("read symlink %s: %w: %w", name, errDamaged, err)
	}
	if err := w.root.Symlink(string(target), name); err != nil {
		return w.refused(name, err)
	}
	return nil
}

// blob opens a file's content and counts it.
func (w *treeWriter) blob(hash plumbing.Hash, name string, limit int64) (io.ReadCloser, error) {
	blob, err := object.GetBlob(w.objects, hash)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", name, errDamaged, err)
	}
	w.bytes += blob.Size
	if blob.Size > limit {
		return nil, w.report.fail(ReasonTooLarge, "%s is larger than %d bytes", foreign(name), limit)
	}
	if w.bytes > w.limits.TreeBytes {
		return nil, w.report.fail(ReasonTooLarge, "the commit's files are more than %d bytes together", w.limits.TreeBytes)
	}
	content, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", name, errDamaged, err)
	}
	return content, nil
}

// refused is a name that the folder doesn't take: one that is there twice, or
// lies behind a symlink of its own commit.
func (w *treeWriter) refused(name string, err error) error {
	if errors.Is(err, os.ErrExist) {
		return w.report.fail(ReasonInvalidTree, "%s: the commit has this name twice", foreign(name))
	}
	return w.report.fail(ReasonStorageFailed, "write %s: %v", foreign(name), err)
}

// validName refuses names that git itself refuses, and those that are made to be
// mistaken.
func validName(name string) bool {
	switch {
	case name == "" || name == "." || name == ".." || len(name) > 255:
		return false
	case strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1"):
		return false
	default:
		return !strings.ContainsFunc(name, func(c rune) bool {
			return c == '/' || c == '\\' || unicode.IsControl(c) || c == unicode.ReplacementChar
		})
	}
}
