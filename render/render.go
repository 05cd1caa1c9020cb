package render

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ImageVar is the external variable by which the built-in library learns which
// image its notifiers run, GitImageVar which its checkouts do, StoreVar where its
// artifacts and caches are kept, and DefaultImage the repository of released ones.
const (
	ImageVar     = "kayci.image"
	GitImageVar  = "kayci.gitImage"
	StoreVar     = "kayci.store"
	DefaultImage = "ghcr.io/kayci/kayci"
)

// Options says what to render.
type Options struct {
	// Dir is the commit's tree.
	Dir string
	// Path is the folder of the entry files, relative to Dir. Blank is Dir itself.
	Path string
	// Ignore are globs, checked by validation.Glob, of files and folders relative to
	// Dir that hold no entries. They can still be imported: whoever has fetched the
	// tree has left them out already.
	Ignore []string
	// Namespace that every object is put in. An object that names another one is
	// an error.
	Namespace string
	// Vars are std.extVar for all files, and top-level arguments by name.
	Vars map[string]string
	// Image is KayCI's own, for std.extVar(ImageVar) unless Vars has another. Blank:
	// DefaultImage.
	Image string
	// GitImage is KayCI's own with git in it, for std.extVar(GitImageVar) unless Vars
	// has another. Blank: GitImage of the other.
	GitImage string
	// Store is the store's address within the cluster, for std.extVar(StoreVar) unless
	// Vars has another. Blank: there is none.
	Store string
	// Limits of the evaluation. A field that is zero takes its default.
	Limits Limits
	// Exec is the command that runs EvaluateCommand: this program and the arguments
	// that lead there.
	Exec []string
	// Known is what a rendering before has found out, if objects of entries that are
	// unchanged since are of no use. nil: every entry is evaluated.
	Known *Known
}

// Defaults of Limits for what is kept of a commit, and of a single object.
const (
	DefaultSize          = 512 << 10
	DefaultDecoded       = 64 << 20
	DefaultDecodedObject = DefaultDecoded / perObject
)

// DefaultMemory is the memory of a child process in bytes, if Limits say nothing.
const DefaultMemory = 512 << 20

// Limits bound an evaluation. Time is bounded by the context.
type Limits struct {
	// Memory of the child process in bytes. Default DefaultMemory, 512 MiB.
	Memory int64
	// Output of the child process in bytes. Default 32 MiB.
	Output int64
	// Files is the number of entry files. Default 1000.
	Files int
	// Objects that a commit may render. Default 2000.
	Objects int
	// Values (of fields and in lists, and what holds them) of all files. Default
	// 1,000,000.
	Values int
	// Decoded is the bytes that all objects may take in memory, and a quarter of it
	// what one may. Default 64 MiB.
	Decoded int
	// Size of an object as JSON, in bytes. Default 512 KiB: etcd takes 1.5 MiB of a
	// whole object, the record of its fields' owners included, and a dry run doesn't
	// ask it: a larger object would be refused when others are already applied.
	Size int
	// Errors that are reported before the rest is left out. Default 20.
	Errors int
}

// Resource is a *v1alpha1.Pipeline or *v1alpha1.Trigger. Any client takes it.
type Resource interface {
	metav1.Object
	runtime.Object
}

// Object is a rendered object and the entry file that it came from.
type Object struct {
	// Object has its apiVersion, kind, name and namespace set and its status blank.
	// What the API server would default is not filled in.
	Object Resource
	// File is relative to Options.Dir, with slashes.
	File string
}

// Result is what the entry files of a commit yield.
type Result struct {
	// Objects of the entries that were evaluated, sorted by kind and name.
	Objects []Object
	// Evaluated and Unchanged are the files of the entries, sorted. What the unchanged
	// ones yield is what they did when Options.Known was found out.
	Evaluated, Unchanged []string
	// Known is for the next rendering.
	Known *Known
}

// Render evaluates the entry files. If anything is wrong with the files, the error
// is an Errors. Any other error is the world's: a folder that can't be read, a
// child process that can't be started, or a context that was cancelled. With an
// error there is no result.
func Render(ctx context.Context, opts Options) (Result, error) {
	limits := opts.Limits.withDefaults()
	folder, err := entryFolder(opts.Path)
	if err != nil {
		return Result{}, err
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return Result{}, fmt.Errorf("find the tree: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Result{}, fmt.Errorf("open the tree: %w", err)
	}
	defer root.Close()
	files, err := entryFiles(ctx, root, folder, opts.Ignore, limits.Files)
	if err != nil {
		return Result{}, err
	}
	image := cmp.Or(opts.Vars[ImageVar], opts.Image, DefaultImage)
	git := cmp.Or(opts.GitImage, GitImage(image))
	if opts.Vars[ImageVar] != "" {
		git = GitImage(image)
	}
	request := evaluation{Dir: dir, Path: folder, Vars: opts.Vars, Image: image, GitImage: git, Store: opts.Store, Limits: limits}
	return renderFiles(ctx, opts, request, files, newSurvey(root))
}

// renderFiles evaluates those files of which nothing is known.
func renderFiles(ctx context.Context, opts Options, req evaluation, files []string, tree *survey) (Result, error) {
	by, err := madeBy(opts, req)
	if err != nil {
		return Result{}, err
	}
	d := newDecoder(opts.Namespace, req.Limits)
	d.hold(opts.Known.stillHold(ctx, by, files, tree))
	var result Result
	for _, file := range files {
		if d.held[file] == nil {
			result.Evaluated = append(result.Evaluated, file)
		} else {
			result.Unchanged = append(result.Unchanged, file)
		}
	}
	req.Entries, req.Values = result.Evaluated, d.heldAll.values
	if err := evaluate(ctx, opts.Exec, req, files, d); err != nil {
		return Result{}, err
	}
	if result.Objects, err = d.result(); err != nil {
		return Result{}, err
	}
	result.Known = newKnown(by, tree, d.held, d.fresh)
	return result, nil
}

// result returns the objects, or all that is wrong.
func (d *decoder) result() ([]Object, error) {
	if len(d.errs) > 0 {
		return nil, d.errs
	}
	slices.SortFunc(d.objects, func(a, b Object) int {
		kind := cmp.Compare(kindOf(a), kindOf(b))
		return cmp.Or(kind, cmp.Compare(a.Object.GetName(), b.Object.GetName()))
	})
	return d.objects, nil
}

func kindOf(o Object) string { return o.Object.GetObjectKind().GroupVersionKind().Kind }

func (l Limits) withDefaults() Limits {
	const mib = 1 << 20
	defaultTo(&l.Memory, DefaultMemory)
	defaultTo(&l.Output, 32*mib)
	defaultTo(&l.Files, 1000)
	defaultTo(&l.Objects, 2000)
	defaultTo(&l.Values, 1_000_000)
	defaultTo(&l.Decoded, DefaultDecoded)
	defaultTo(&l.Size, DefaultSize)
	defaultTo(&l.Errors, 20)
	return l
}

func defaultTo[T int | int64](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
