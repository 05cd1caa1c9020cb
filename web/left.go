package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
	"github.com/kayci/kayci/store/archive"
	"github.com/kayci/kayci/store/client"
	"github.com/kayci/kayci/store/tests"
)

// left is what a job has left in the store.
type left struct {
	Artifacts []artifact
	// Failed are the tests that failed, and More how many others did.
	Failed []failedTest
	More   int
	// Hidden says what couldn't be read.
	Hidden []string
}

// artifact is one that the page leads to.
type artifact struct {
	Name, Path string
	Files      int
	Bytes      int64
	// Listed are its first files, and More how many files, folders and links it has
	// besides.
	Listed []listedFile
	More   int
}

// listedFile leads to a file alone, and where browsers show it, to that.
type listedFile struct {
	Name, Path, Shown string
	Bytes             int64
}

// failedTest is a test with what earlier Runs say of it, in words.
type failedTest struct {
	Class, Name, Message, Details, Said string
}

const (
	// listedFiles are how many files the page of a job leads to, and listedFailures how
	// many tests it shows that failed.
	listedFiles, listedFailures = 200, 100
	// storePatience is how long the store may take, which the page can do without.
	storePatience = 5 * time.Second
)

// left reads what the job has left. What the store doesn't say is said to be missing.
func (s *server) left(ctx context.Context, run *v1alpha1.Run, job *view.Job) *left {
	l := &left{}
	if s.cluster.kept == nil {
		return l
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	var noArtifacts, noTests string
	var group errgroup.Group
	group.Go(func() (err error) {
		l.Artifacts, err = s.artifactsOf(ctx, run, job.Name)
		noArtifacts = unread("artifacts", err)
		return nil
	})
	if job.Tests != nil && len(job.Tests.Failures) > 0 {
		group.Go(func() error {
			found, err := s.cluster.kept.Tests(ctx, run, job.Name, client.TestsQuery{History: tests.MaxEarlier, Failed: listedFailures})
			if err == nil {
				l.Failed, l.More = failures(found.Cases, found.Trends), max(0, found.Failed-len(found.Cases))
			}
			noTests = unread("the report on its tests", err)
			return nil
		})
	}
	_ = group.Wait()
	for _, what := range []string{noArtifacts, noTests} {
		if what != "" {
			l.Hidden = append(l.Hidden, what)
		}
	}
	return l
}

// unread says that the store didn't answer. That it has nothing says nothing.
func unread(what string, err error) string {
	if err == nil || errors.Is(err, client.ErrNotStored) {
		return ""
	}
	return fmt.Sprintf("What the store has of this job, %s, can't be read for now: %s", what, printable.Cut(err.Error(), 300))
}

func (s *server) artifactsOf(ctx context.Context, run *v1alpha1.Run, job string) ([]artifact, error) {
	found, err := s.cluster.kept.Artifacts(ctx, run)
	if err != nil {
		return nil, err
	}
	var all []artifact
	room := listedFiles
	for _, one := range found {
		if one.Job != job {
			continue
		}
		a := artifact{Name: one.Name, Path: artifactPath(run.Namespace, run.Name, job, one.Name), Files: one.Files, Bytes: one.Bytes, More: one.Files}
		if room > 0 {
			files, err := s.cluster.kept.Files(ctx, run, job, one.Name, room)
			if err != nil {
				return all, err
			}
			a.Listed = listed(a.Path, files.Items)
			a.More = files.Total - len(files.Items)
			room -= len(files.Items)
		}
		all = append(all, a)
	}
	return all, nil
}

// listed are the files among what an artifact holds.
func listed(of string, all []archive.File) []listedFile {
	var files []listedFile
	for _, file := range all {
		if !file.Folder && file.Link == "" {
			one := listedFile{Name: file.Path, Path: of + "?" + url.Values{"path": {file.Path}}.Encode(), Bytes: file.Size}
			if shownAs(file.Path) != "" {
				one.Shown = one.Path + "&show=1"
			}
			files = append(files, one)
		}
	}
	return files
}

// failures are the cases that failed, in words. The report comes from a pod: of its
// texts nothing is shown that changes the text around it.
func failures(cases []tests.Case, trends []tests.Trend) []failedTest {
	by := map[string]tests.Trend{}
	for _, trend := range trends {
		by[trend.ID] = trend
	}
	var failed []failedTest
	for _, c := range cases {
		trend, known := by[c.ID()]
		said := ""
		if known {
			said = sayTrend(trend)
		}
		details := strings.Split(strings.TrimSpace(c.Details), "\n")
		for i := range details {
			details[i] = printable.Text(strings.ReplaceAll(details[i], "\t", "    "))
		}
		failed = append(failed, failedTest{
			Class: printable.Text(c.Class), Name: printable.Text(c.Name), Message: printable.Text(c.Message), Details: strings.Join(details, "\n"), Said: said,
		})
	}
	return failed
}

// sayTrend says what earlier Runs tell of a test that has failed.
func sayTrend(trend tests.Trend) string {
	var said []string
	if trend.New {
		said = append(said, "new")
	}
	if trend.Of > 0 {
		said = append(said, fmt.Sprintf("failed in %d of %d earlier Runs", trend.Failed, trend.Of))
	}
	if trend.Flaky {
		said = append(said, "may fail by chance")
	}
	return strings.Join(said, ", ")
}
