package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
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
	report  reporter
	request Request
	// filtered says that the server has left out files that are too large.
	filtered bool
	// inside counts what is below the request's path, outside the rest.
	inside, outside count
	// left is how many files outside were left out.
	left int
}

// count is of what was written.
type count struct {
	files int
	bytes int64
}

// errLeftOut is a file outside of the path that is of no use. There it is no
// fault: nobody may ever import it.
var errLeftOut = errors.New("left out")

// writeTree writes a commit's files and returns how many were left out.
func writeTree(ctx context.Context, s *store, hash plumbing.Hash, dir string, req Request, report reporter) (left int, err error) {
	commit, err := object.GetCommit(s.objects, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		if _, other := s.objects.EncodedObject(plumbing.AnyObject, hash); other == nil {
			return 0, report.fail(ReasonInvalidTree, "%s is not a commit", hash)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read commit: %w: %w", errDamaged, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, report.fail(ReasonStorageFailed, "open the target folder: %v", err)
	}
	defer root.Close()
	w := &treeWriter{objects: s.objects, root: root, request: req, report: report, filtered: s.isFiltered()}
	err = w.folder(ctx, commit.TreeHash, "", 0)
	return w.left, err
}

func (w *treeWriter) folder(ctx context.Context, hash plumbing.Hash, name string, depth int) error {
	if depth > w.request.Limits.Depth {
		return w.refuse(name, ReasonTooLarge, "%s: folders are nested deeper than %d", foreign(name), w.request.Limits.Depth)
	}
	tree, err := object.GetTree(w.objects, hash)
	if err != nil {
		return fmt.Errorf("read folder %q: %w: %w", name, errDamaged, err)
	}
	for _, entry := range tree.Entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		full := path.Join(name, entry.Name)
		if validName(entry.Name) && w.request.ignores(full) {
			continue
		}
		err := w.entry(ctx, entry, full, depth)
		switch {
		case errors.Is(err, errLeftOut):
			w.left++
		case err != nil:
			return err
		}
	}
	return nil
}

func (w *treeWriter) entry(ctx context.Context, entry object.TreeEntry, name string, depth int) error {
	if !validName(entry.Name) {
		return w.refuse(name, ReasonInvalidTree, "/%s: the name is refused", foreign(strconv.Quote(name)))
	}
	if counted := w.countOf(name); counted.files >= w.request.Limits.Files {
		return w.refuse(name, ReasonTooLarge, "the commit has more than %d files and folders", w.request.Limits.Files)
	}
	w.countOf(name).files++
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
		return w.refuse(name, ReasonInvalidTree, "%s: the mode %s is refused", foreign(name), entry.Mode)
	}
}

// isInside reports whether a name is below the path, or on the way to it.
func (w *treeWriter) isInside(name string) bool {
	return below(name, w.request.Path) || below(w.request.Path, name)
}

func (w *treeWriter) countOf(name string) *count {
	if w.isInside(name) {
		return &w.inside
	}
	return &w.outside
}

// refuse is an error inside the path, and errLeftOut outside.
func (w *treeWriter) refuse(name string, reason Reason, format string, args ...any) error {
	if !w.isInside(name) {
		return errLeftOut
	}
	return w.report.fail(reason, format, args...)
}

func (w *treeWriter) file(hash plumbing.Hash, name string) error {
	content, err := w.blob(hash, name, w.request.Limits.FileBytes)
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
	if errors.Is(err, plumbing.ErrObjectNotFound) && w.filtered {
		return nil, w.refuse(name, ReasonTooLarge, "%s is larger than %d bytes", foreign(name), w.request.Limits.FileBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", name, errDamaged, err)
	}
	counted := w.countOf(name)
	switch {
	case blob.Size > limit:
		return nil, w.refuse(name, ReasonTooLarge, "%s is larger than %d bytes", foreign(name), limit)
	case counted.bytes+blob.Size > w.request.Limits.TreeBytes:
		return nil, w.refuse(name, ReasonTooLarge, "the commit's files are more than %d bytes together", w.request.Limits.TreeBytes)
	}
	counted.bytes += blob.Size
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
		return w.refuse(name, ReasonInvalidTree, "%s: the commit has this name twice", foreign(name))
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
