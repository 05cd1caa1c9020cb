// Package keep is what KayCI's own containers of a job's pod do: a first step restores
// caches or fetches artifacts of earlier jobs, and a sidecar keeps what the job leaves
// in its folder, once its other containers have ended.
package keep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/store/tests"
	"github.com/kayci/kayci/store/upload"
)

// When an artifact is kept.
const (
	OnSuccess = "success"
	Always    = "always"
)

// Artifact is what is kept under a name.
type Artifact struct {
	Name  string   `json:"name"`
	Paths []string `json:"paths"`
	When  string   `json:"when,omitempty"`
}

// Store is where everything is kept.
type Store interface {
	Artifacts
	Caches

	SaveTests(ctx context.Context, report *tests.Report) error
	// Succeeded waits until the other containers of the pod have ended, and reports
	// whether all of them did with 0.
	Succeeded(ctx context.Context) (bool, error)
}

// Artifacts are what jobs leave to others of their Run, and to people.
type Artifacts interface {
	SaveArtifact(ctx context.Context, root *os.Root, name string, patterns []string) (upload.Saved, error)
	FetchArtifact(ctx context.Context, root *os.Root, job, name string) (upload.Saved, error)
}

// Caches are what jobs leave to those of later Runs.
type Caches interface {
	SaveCache(ctx context.Context, root *os.Root, key string, paths []string) (bool, error)
	RestoreCache(ctx context.Context, root *os.Root, key string, restoreKeys []string) (string, error)
}

// Options say what is kept.
type Options struct {
	Store Store
	// Root is the job's folder, and Notes the one that KayCI's containers of the pod share.
	Root, Notes *os.Root
	Artifacts   []Artifact
	// Reports are patterns of files with test results.
	Reports []string
	// Caches are the names of those that a first step has looked for.
	Caches []Cache
	// Out is told what is done.
	Out io.Writer
}

// Last is what the sidecar says at its end, in the container's termination message.
type Last struct {
	Error    string         `json:"error,omitempty"`
	Tests    *tests.Summary `json:"tests,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
}

// All keeps everything. What can't be kept is in Last; only artifacts are worth a
// failure.
func All(ctx context.Context, o Options) Last {
	k := &keeping{Options: o}
	k.reports(ctx)
	succeeded := k.ended(ctx)
	var errs []error
	for _, artifact := range o.Artifacts {
		errs = append(errs, k.artifact(ctx, artifact, succeeded))
	}
	for _, cache := range o.Caches {
		k.cache(ctx, cache, succeeded)
	}
	if err := errors.Join(errs...); err != nil {
		k.last.Error = printable.Text(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return k.last
}

type keeping struct {
	Options

	last Last
	// unknown is why it can't be known whether the job has succeeded.
	unknown error
}

func (k *keeping) say(format string, args ...any) {
	fmt.Fprintln(k.Out, printable.Text(fmt.Sprintf(format, args...)))
}

func (k *keeping) warn(format string, args ...any) {
	text := printable.Text(fmt.Sprintf(format, args...))
	fmt.Fprintln(k.Out, text)
	k.last.Warnings = append(k.last.Warnings, text)
}

// ended reports whether the job's program has succeeded. Where that can't be known, what
// is kept only then can't be.
func (k *keeping) ended(ctx context.Context) bool {
	if !k.depends() {
		return true
	}
	succeeded, err := k.Store.Succeeded(ctx)
	if err != nil {
		k.unknown = err
	}
	return succeeded
}

// depends reports whether anything is kept only after a success. A cache that is there
// already isn't kept at all.
func (k *keeping) depends() bool {
	return slices.ContainsFunc(k.Artifacts, func(a Artifact) bool { return a.When != Always }) ||
		slices.ContainsFunc(k.Caches, func(c Cache) bool {
			n, err := readNote(k.Notes, c.Name)
			return err == nil && !n.Hit
		})
}

func (k *keeping) artifact(ctx context.Context, artifact Artifact, succeeded bool) error {
	switch {
	case artifact.When == Always:
	case k.unknown != nil:
		return fmt.Errorf("keeping artifact %s failed: %w", artifact.Name, k.unknown)
	case !succeeded:
		k.say("artifact %s is not kept: the job has not succeeded", artifact.Name)
		return nil
	}
	saved, err := k.Store.SaveArtifact(ctx, k.Root, artifact.Name, artifact.Paths)
	if err != nil {
		return fmt.Errorf("keeping artifact %s failed: %w", artifact.Name, err)
	}
	k.say("artifact %s: %d files, %d bytes", artifact.Name, saved.Files, saved.Bytes)
	return nil
}

// maxMessage is how many bytes a termination message may have.
const maxMessage = 4096

// Message is the termination message: what doesn't fit is left out, the failed tests'
// names first.
func (l Last) Message() []byte {
	l.Error = printable.CutBytes(l.Error, 1024)
	for len(l.Warnings) > 0 {
		if data, err := json.Marshal(l.Warnings); err == nil && len(data) <= 1024 {
			break
		}
		l.Warnings = l.Warnings[:len(l.Warnings)-1]
	}
	for {
		data, err := json.Marshal(l)
		switch {
		case err == nil && len(data) <= maxMessage:
			return data
		case l.Tests != nil && len(l.Tests.Failures) > 0:
			fewer := *l.Tests
			fewer.Failures = fewer.Failures[:len(fewer.Failures)-1]
			l.Tests = &fewer
		default:
			return []byte(`{"error":"what the sidecar has to say is too long"}`)
		}
	}
}

// Fetch brings an artifact of an earlier job into a folder below the job's.
func Fetch(ctx context.Context, o Options, job, name, dir string) error {
	root := o.Root
	if dir != "" && dir != "." {
		if err := o.Root.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the folder %s: %w", dir, err)
		}
		below, err := o.Root.OpenRoot(dir)
		if err != nil {
			return fmt.Errorf("open the folder %s: %w", dir, err)
		}
		defer below.Close()
		root = below
	}
	fetched, err := o.Store.FetchArtifact(ctx, root, job, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "fetched artifact %s of job %s: %d files, %d bytes\n", name, job, fetched.Files, fetched.Bytes)
	return nil
}
