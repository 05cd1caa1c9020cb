package keep

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/kayci/kayci/store/tests"
)

const (
	// maxReports is how many files of test results are read.
	maxReports = 1000
	// firstFailures is how many failed tests stand in the Run's status.
	firstFailures = 10
)

// reports reads the test results and stores them. That there are none, or that they are
// malformed, is a warning.
func (k *keeping) reports(ctx context.Context) {
	if len(k.Reports) == 0 {
		return
	}
	report := &tests.Report{}
	names, err := match(k.Root, k.Reports)
	if err != nil {
		k.warn("test reports: %s", err)
	}
	for _, name := range names {
		k.report(report, name)
	}
	if len(names) == 0 && err == nil {
		k.warn("test reports: no file matches %q", k.Reports)
	}
	for _, warning := range report.Warnings {
		k.warn("test reports: %s", warning)
	}
	if report.Tests == 0 {
		return
	}
	summary := report.Summary(firstFailures)
	k.last.Tests = &summary
	k.say("%s", summary)
	if err := k.Store.SaveTests(ctx, report); err != nil {
		k.warn("test reports can't be stored: %s", err)
	}
}

// report reads a file. What isn't a plain file is left alone.
func (k *keeping) report(report *tests.Report, name string) {
	info, err := k.Root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", name)
	}
	if err != nil {
		k.warn("test reports: %s", err)
		return
	}
	file, err := k.Root.Open(name)
	if err != nil {
		k.warn("test reports: %s", err)
		return
	}
	defer file.Close()
	report.Read(name, file)
}

// match returns the files that match one of the patterns, in their order.
func match(root *os.Root, patterns []string) ([]string, error) {
	var names []string
	for _, pattern := range patterns {
		found, err := doublestar.Glob(root.FS(), pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			return nil, fmt.Errorf("%q: %w", pattern, err)
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxReports {
		return names[:maxReports], fmt.Errorf("%d files match, and %d are read", len(names), maxReports)
	}
	return names, nil
}
