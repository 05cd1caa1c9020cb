package client

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/serve"
)

// ofRun asks about a Run that need not have ended.
func (s *Store) ofRun(run *v1alpha1.Run, path ...string) *rest.Request {
	return s.get(append([]string{run.Namespace, "runs", run.Name}, path...)...).
		Param("uid", string(run.UID)).Param("pipeline", run.Spec.Pipeline)
}

// Artifacts returns what the jobs of the Run have left, by job and name.
func (s *Store) Artifacts(ctx context.Context, run *v1alpha1.Run) ([]serve.Artifact, error) {
	var list serve.Artifacts
	if err := s.read(ctx, s.ofRun(run, "artifacts"), &list); err != nil {
		return nil, fmt.Errorf("list the artifacts of Run %s: %w", run.Name, err)
	}
	return slices.DeleteFunc(list.Items, func(a serve.Artifact) bool { return !isName(a.Job) || !isName(a.Name) }), nil
}

// Tar returns all files of an artifact, as a tar that isn't compressed. ErrNotStored: the
// job has left none of this name.
func (s *Store) Tar(ctx context.Context, run *v1alpha1.Run, job, name string) (io.ReadCloser, error) {
	body, err := s.ofRun(run, "artifacts", job, name).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read artifact %s/%s of Run %s: %w", job, name, run.Name, s.explain(err))
	}
	return body, nil
}

// Files returns the first files of an artifact, by path.
func (s *Store) Files(ctx context.Context, run *v1alpha1.Run, job, name string, limit int) (*serve.Files, error) {
	var list serve.Files
	if err := s.read(ctx, s.ofRun(run, "artifacts", job, name, "files").Param("limit", strconv.Itoa(limit)), &list); err != nil {
		return nil, fmt.Errorf("list the files of artifact %s/%s of Run %s: %w", job, name, run.Name, err)
	}
	return &list, nil
}

// File returns one file of an artifact. ErrNotStored: there is none of this path.
func (s *Store) File(ctx context.Context, run *v1alpha1.Run, job, name, path string) (io.ReadCloser, error) {
	body, err := s.ofRun(run, "artifacts", job, name, "files").Param("path", path).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read a file of artifact %s/%s of Run %s: %w", job, name, run.Name, s.explain(err))
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
	request := s.ofRun(run, "tests", job)
	if q.History > 0 {
		request.Param("history", strconv.Itoa(q.History)).Param("before", strconv.FormatInt(run.Status.Number, 10))
	}
	if q.Failed > 0 {
		request.Param("failed", strconv.Itoa(q.Failed))
	}
	var found serve.Tests
	if err := s.read(ctx, request, &found); err != nil {
		return nil, fmt.Errorf("read the report on the tests of job %s of Run %s: %w", job, run.Name, err)
	}
	return &found, nil
}
