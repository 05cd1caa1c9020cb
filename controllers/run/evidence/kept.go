package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/tests"
)

const (
	// maxWarnings of a job, and maxWarning of each, in bytes.
	maxWarnings = 10
	maxWarning  = 256
	// maxTestName bounds a name or class, maxTestMessage a message, in bytes.
	maxTestName    = 253
	maxTestMessage = 256
)

// kept is what the container that keeps things says at its end. Anybody who writes the
// pipeline may have it say anything.
type kept struct {
	Error    string         `json:"error"`
	Tests    *tests.Summary `json:"tests"`
	Warnings []string       `json:"warnings"`
}

// readKept reads a termination message, of which nothing is left if any of it can't be
// read.
func readKept(message string) kept {
	var said kept
	if len(message) > maxTermination || json.Unmarshal([]byte(message), &said) != nil {
		return kept{}
	}
	return said
}

// failure says what couldn't be kept, blank if the container doesn't.
func (k kept) failure() string {
	text := oneLine(k.Error, maxTermination)
	if text != "" && !strings.HasPrefix(text, "keeping ") {
		text = "keeping what it leaves failed: " + text
	}
	return Shorten(text)
}

// findings are what it says of tests, nil for nothing, and the warnings.
func (k kept) findings() (summary *v1alpha1.TestSummary, warnings []string) {
	if k.Tests != nil {
		if err := possible(k.Tests); err == "" {
			summary = summarize(k.Tests)
		} else {
			warnings = append(warnings, err)
		}
	}
	for _, text := range k.Warnings {
		if text = oneLine(text, maxWarning); text != "" && len(warnings) < maxWarnings {
			warnings = append(warnings, text)
		}
	}
	return summary, warnings
}

// possible says why the numbers can't be true, blank if they can.
func possible(s *tests.Summary) string {
	for _, n := range []int{s.Tests, s.Failed, s.Skipped, s.Flaky, s.Unread} {
		if n < 0 || n > math.MaxInt32 {
			return fmt.Sprintf("the numbers of its tests can't be true: %d", n)
		}
	}
	if s.Failed+s.Skipped+s.Flaky > s.Tests || len(s.Failures) > s.Failed {
		return fmt.Sprintf("the numbers of its tests can't be true: of %d, %d failed, of which %d are named, %d were skipped, and %d are flaky",
			s.Tests, s.Failed, len(s.Failures), s.Skipped, s.Flaky)
	}
	return ""
}

// summarize bounds a summary. It leaves out messages and then failures until the rest is
// small enough: characters that nobody sees are longer once they are shown.
func summarize(s *tests.Summary) *v1alpha1.TestSummary {
	of := s.Status()
	of.Failures = of.Failures[:min(len(of.Failures), tests.MaxFailures)]
	for i := range of.Failures {
		f := &of.Failures[i]
		f.Class, f.Name, f.Message = oneLine(f.Class, maxTestName), oneLine(f.Name, maxTestName), oneLine(f.Message, maxTestMessage)
		if f.Name == "" {
			f.Class, f.Name = "", cmp.Or(f.Class, "a test without a name")
		}
	}
	for i := len(of.Failures) - 1; i >= 0 && FindingBytes(of, nil) > tests.MaxSummary; i-- {
		of.Failures[i].Message = ""
	}
	for FindingBytes(of, nil) > tests.MaxSummary {
		of.Failures = of.Failures[:len(of.Failures)-1]
	}
	return of
}

// FindingBytes is the size of what a status says of a job's tests, and of its warnings.
func FindingBytes(s *v1alpha1.TestSummary, warnings []string) int {
	size := 0
	if s != nil {
		for i := range s.Failures {
			f := &s.Failures[i]
			size += len(f.Class) + len(f.Name) + len(f.Message)
		}
	}
	for _, warning := range warnings {
		size += len(warning)
	}
	return size
}

// FailedTests says which tests have failed, bounded, blank if none has.
func FailedTests(s *v1alpha1.TestSummary) string {
	if s == nil || s.Failed == 0 {
		return ""
	}
	return tests.Of(s).Verdict()
}

// oneLine bounds a text that comes from elsewhere, in bytes.
func oneLine(text string, most int) string {
	return printable.CutBytes(printable.Text(strings.Join(strings.Fields(text), " ")), most)
}
