package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/serve"
)

// ofRun asks about a Run that need not have ended.
func (s *Store) ofRun(run *v1alpha1.Run, path ...string) *request {
	return s.get(append([]string{run.Namespace, "runs", run.Name}, path...)...).
		with("uid", string(run.UID)).with("pipeline", run.Spec.Pipeline)
}

// ofJob asks about what a job of the Run has left, which is with the earlier Run that the
// job was taken from, if it was.
func (s *Store) ofJob(run *v1alpha1.Run, job string, path ...string) *request {
	if from := origins(run)[job]; from != "" {
		return s.get(append([]string{run.Namespace, "runs", from}, path...)...)
	}
	return s.ofRun(run, path...)
}

// origins are the earlier Runs that jobs were taken from, by job.
func origins(run *v1alpha1.Run) map[string]string {
	from := map[string]string{}
	for i := range run.Status.Jobs {
		if job := &run.Status.Jobs[i]; isName(job.ReusedFrom) {
			from[job.Name] = job.ReusedFrom
		}
	}
	return from
}

// Artifacts returns what the jobs of the Run have left, by job and name, those included
// that were taken from an earlier Run.
func (s *Store) Artifacts(ctx context.Context, run *v1alpha1.Run) ([]serve.Artifact, error) {
	from := origins(run)
	all, err := s.artifacts(ctx, s.ofRun(run, "artifacts"), func(job string) bool { return from[job] == "" })
	if err != nil {
		return nil, fmt.Errorf("list the artifacts of Run %s: %w", run.Name, err)
	}
	for _, earlier := range slices.Compact(slices.Sorted(maps.Values(from))) {
		some, err := s.artifacts(ctx, s.get(run.Namespace, "runs", earlier, "artifacts"), func(job string) bool { return from[job] == earlier })
		if err != nil && !errors.Is(err, ErrNotStored) {
			return nil, fmt.Errorf("list the artifacts of Run %s: %w", earlier, err)
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b serve.Artifact) int {
		return cmp.Or(strings.Compare(a.Job, b.Job), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

func (s *Store) artifacts(ctx context.Context, request *request, of func(job string) bool) ([]serve.Artifact, error) {
	var list serve.Artifacts
	if err := s.read(ctx, request, &list); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(a serve.Artifact) bool { return !isName(a.Job) || !isName(a.Name) || !of(a.Job) }), nil
}

// Tar returns all files of an artifact, as a tar that isn't compressed. ErrNotStored: the
// job has left none of this name.
func (s *Store) Tar(ctx context.Context, run *v1alpha1.Run, job, name string) (io.ReadCloser, error) {
	body, err := s.ofJob(run, job, "artifacts", job, name).stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read artifact %s/%s of Run %s: %w", job, name, run.Name, err)
	}
	return body, nil
}

// Files returns the first files of an artifact, by path.
func (s *Store) Files(ctx context.Context, run *v1alpha1.Run, job, name string, limit int) (*serve.Files, error) {
	var list serve.Files
	if err := s.read(ctx, s.ofJob(run, job, "artifacts", job, name, "files").with("limit", strconv.Itoa(limit)), &list); err != nil {
		return nil, fmt.Errorf("list the files of artifact %s/%s of Run %s: %w", job, name, run.Name, err)
	}
	return &list, nil
}

// File returns one file of an artifact. ErrNotStored: there is none of this path.
func (s *Store) File(ctx context.Context, run *v1alpha1.Run, job, name, path string) (io.ReadCloser, error) {
	body, err := s.ofJob(run, job, "artifacts", job, name, "files").with("path", path).stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read a file of artifact %s/%s of Run %s: %w", job, name, run.Name, err)
	}
	return body, nil
}

// TestsQuery says what of a report is asked for.
type TestsQuery struct {
	// History is how many earlier Runs of the Pipeline are asked about the tests that
	// failed.
	History int
	// Failed is how many cases are asked for, of those that failed. 0: all cases.
	Failed int
}

// Tests returns the report on the tests of a job. ErrNotStored: the job has left none.
func (s *Store) Tests(ctx context.Context, run *v1alpha1.Run, job string, q TestsQuery) (*serve.Tests, error) {
	request := s.ofJob(run, job, "tests", job)
	if q.History > 0 {
		request.with("history", strconv.Itoa(q.History)).with("before", strconv.FormatInt(run.Status.Number, 10))
	}
	if q.Failed > 0 {
		request.with("failed", strconv.Itoa(q.Failed))
	}
	var found serve.Tests
	if err := s.read(ctx, request, &found); err != nil {
		return nil, fmt.Errorf("read the report on the tests of job %s of Run %s: %w", job, run.Name, err)
	}
	return &found, nil
}
