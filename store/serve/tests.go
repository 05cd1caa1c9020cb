package serve

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	"github.com/kayci/kayci/store/tests"
)

// Tests are what test tools said of a job's tests.
type Tests struct {
	tests.Report

	// Trends are of the cases that failed, if earlier Runs were asked for.
	Trends []tests.Trend `json:"trends,omitempty"`
}

const (
	// maxReport bounds a report as JSON, in bytes, and maxEarlier an earlier one: of one
	// that is larger nothing is known.
	maxReport, maxEarlier = 128 << 20, 16 << 20
	// earlierAtOnce is how many earlier reports are read at the same time.
	earlierAtOnce = 4
)

// tests answers with the report on a job's tests and, if earlier Runs are asked for, with
// what those say of the tests that failed.
func (s *server) tests(w http.ResponseWriter, r *http.Request) error {
	query, job := r.URL.Query(), r.PathValue("job")
	history, err := number(query.Get("history"), 0)
	if err != nil {
		return err
	}
	before, err := number(query.Get("before"), 0)
	if err != nil {
		return err
	}
	failed, err := number(query.Get("failed"), 0)
	if err != nil {
		return err
	}
	run, err := s.which(r)
	if err != nil {
		return err
	}
	report, err := s.report(r.Context(), run, job, maxReport)
	if err != nil {
		return err
	}
	if failed > 0 {
		report.Cases = slices.DeleteFunc(report.Cases, func(c tests.Case) bool { return c.State != tests.Failed })
		report.Cases = report.Cases[:min(int64(len(report.Cases)), failed)]
	}
	found := Tests{Report: *report}
	if history > 0 && report.Failed > 0 {
		earlier, err := s.earlier(r.Context(), run, job, report, before, int(min(history, tests.MaxEarlier)))
		if err != nil {
			return err
		}
		found.Trends = tests.Compare(report, earlier)
	}
	return answer(w, found)
}

// report reads what the newest pod of a job has reported. bucket.ErrNotFound: there is no
// report.
func (s *server) report(ctx context.Context, run place.Run, job string, most int64) (*tests.Report, error) {
	found, err := s.Bucket.List(ctx, run.TestsOf(job), "", 0)
	if err != nil {
		return nil, fmt.Errorf("find the report on the tests of job %s: %w", job, err)
	}
	var newest bucket.Object
	for _, object := range found {
		if !object.Modified.Before(newest.Modified) {
			newest = object
		}
	}
	if newest.Name == "" {
		return nil, fmt.Errorf("the report on the tests of job %s: %w", job, bucket.ErrNotFound)
	}
	body, err := s.Bucket.Get(ctx, newest.Name, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read the report on the tests of job %s: %w", job, err)
	}
	defer body.Close()
	report := &tests.Report{}
	text, err := gzip.NewReader(body)
	if err == nil {
		err = json.NewDecoder(io.LimitReader(text, most)).Decode(report)
	}
	if err != nil {
		return nil, fmt.Errorf("read the report on the tests of job %s: %w", job, err)
	}
	return report, nil
}

// earlier reads the reports of earlier Runs of the Pipeline, newest first, each with no
// more than what it says of the cases that failed now.
func (s *server) earlier(ctx context.Context, run place.Run, job string, now *tests.Report, before int64, most int) ([]*tests.Report, error) {
	// The Run itself may be among them.
	runs, err := records.Earlier(ctx, s.Bucket, run.Namespace, run.Pipeline, before, most+1)
	if err != nil {
		return nil, err
	}
	reports := make([]*tests.Report, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(earlierAtOnce)
	for i, of := range runs {
		if of == run {
			continue
		}
		group.Go(func() error {
			report, err := s.report(ctx, of, job, maxEarlier)
			if err == nil {
				reports[i] = report.About(now)
			}
			if errors.Is(err, bucket.ErrNotFound) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var found []*tests.Report
	for _, report := range reports {
		if report != nil && len(found) < most {
			found = append(found, report)
		}
	}
	return found, nil
}
