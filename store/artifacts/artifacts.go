// Package artifacts keeps what jobs leave behind, for later jobs and for people: folders
// of files, each an archive. An artifact is of one pod. If a job has had several, its
// newest pod's counts.
package artifacts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/parcel"
	"github.com/kayci/kayci/store/place"
)

// Found is an artifact that counts.
type Found struct {
	place.Artifact

	// Created is when its pod was.
	Created time.Time
	// Stored is when the artifact was.
	Stored time.Time
}

// Manifest is the name of the artifact's manifest.
func (f *Found) Manifest() string { return f.Artifact.Manifest(f.Created) }

// Head returns what is known of the artifact without its manifest.
func (f *Found) Head(ctx context.Context, from bucket.Bucket) (parcel.Head, error) {
	head, err := parcel.ReadHead(ctx, from, f.Manifest())
	if err != nil {
		return head, fmt.Errorf("read artifact %s of job %s: %w", f.Name, f.Job, err)
	}
	return head, nil
}

// Read returns the artifact's manifest, and what its parts are read by.
func (f *Found) Read(ctx context.Context, from bucket.Bucket, limits archive.Limits) (*archive.Manifest, archive.Get, error) {
	body, err := from.Get(ctx, f.Manifest(), 0, -1)
	if err != nil {
		return nil, nil, fmt.Errorf("read artifact %s of job %s: %w", f.Name, f.Job, err)
	}
	defer body.Close()
	head, m, err := parcel.Read(body, limits)
	if err != nil {
		return nil, nil, fmt.Errorf("read artifact %s of job %s: %w", f.Name, f.Job, err)
	}
	p := Parcel(from, f.Artifact, f.Created, head.Upload)
	return m, func(ctx context.Context, n int) (io.ReadCloser, error) { return from.Get(ctx, p.Part(n), 0, -1) }, nil
}

// Parcel is where an artifact is kept, by an upload of its pod.
func Parcel(in bucket.Bucket, a place.Artifact, created time.Time, upload string) parcel.Parcel {
	return parcel.Parcel{Bucket: in, Parts: a.Upload(upload), Manifest: a.Manifest(created)}
}

// Find returns an artifact of a job. bucket.ErrNotFound: the job has left none of this
// name.
func Find(ctx context.Context, from bucket.Bucket, run place.Run, job, name string) (*Found, error) {
	of := place.Artifact{Run: run, Job: job, Name: name}
	pods, err := from.Folders(ctx, of.JobFolder())
	if err != nil {
		return nil, fmt.Errorf("find artifact %s of job %s: %w", name, job, err)
	}
	var newest *Found
	for _, pod := range pods {
		of.Pod = types.UID(pod)
		found, err := one(ctx, from, of)
		if err != nil {
			return nil, fmt.Errorf("find artifact %s of job %s: %w", name, job, err)
		}
		if found != nil && (newest == nil || newest.before(found)) {
			newest = found
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("artifact %s of job %s: %w", name, job, bucket.ErrNotFound)
	}
	return newest, nil
}

// before reports whether the other one counts instead.
func (f *Found) before(other *Found) bool {
	return cmp.Or(f.Created.Compare(other.Created), f.Stored.Compare(other.Stored)) < 0
}

// one returns the artifact of a pod, or nil if it has none.
func one(ctx context.Context, from bucket.Bucket, a place.Artifact) (*Found, error) {
	objects, err := from.List(ctx, a.Folder()+"manifest-", "", 1)
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	return read(a.Run, &objects[0]), nil
}

func read(run place.Run, object *bucket.Object) *Found {
	a, created, is := place.ReadManifest(run, strings.TrimPrefix(object.Name, run.Artifacts()))
	if !is {
		return nil
	}
	return &Found{Artifact: a, Created: created, Stored: object.Modified}
}

// List returns the artifacts of a Run that count, by job and name.
func List(ctx context.Context, from bucket.Bucket, run place.Run) ([]Found, error) {
	objects, err := from.List(ctx, run.Artifacts(), "", 0)
	if err != nil {
		return nil, fmt.Errorf("list the artifacts of run %s: %w", run.Name, err)
	}
	newest := map[[2]string]*Found{}
	for i := range objects {
		found := read(run, &objects[i])
		if found == nil {
			continue
		}
		key := [2]string{found.Job, found.Name}
		if known := newest[key]; known == nil || known.before(found) {
			newest[key] = found
		}
	}
	all := make([]Found, 0, len(newest))
	for _, found := range newest {
		all = append(all, *found)
	}
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

// Limits of what Runs leave.
type Limits struct {
	// Archive bounds each artifact.
	Archive archive.Limits
	// Run bounds what is stored of a Run, in bytes.
	Run int64
	// Pod is how many artifacts a pod may leave.
	Pod int
}

var (
	// ErrRunFull says that the Run's artifacts are as large as they may be.
	ErrRunFull = errors.New("the artifacts of the Run are as large as they may be together: keep less")
	// ErrTooMany says that the pod has left as many artifacts as it may.
	ErrTooMany = errors.New("the job has as many artifacts as it may: put files together")
)

// Room returns an error if the artifact may not have another object of that size.
func (l *Limits) Room(ctx context.Context, in bucket.Bucket, ledger *parcel.Ledger, a place.Artifact, size int64) error {
	names, err := in.Folders(ctx, a.PodFolder())
	if err != nil {
		return err
	}
	if len(names) >= l.Pod && !slices.Contains(names, a.Name) {
		return ErrTooMany
	}
	err = ledger.Add(ctx, a.Run.Artifacts(), size, l.Run)
	if errors.Is(err, parcel.ErrFull) {
		return ErrRunFull
	}
	return err
}
