package tests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kayci/kayci/api/printable"
)

// What a Summary holds at most.
const (
	// MaxFailures of a Summary.
	MaxFailures = 10
	// MaxSummary is the size of its JSON, in bytes.
	MaxSummary = 4 << 10

	// maxShort bounds a class or name, maxReason a message, in bytes.
	maxShort  = 253
	maxReason = 256
	// maxSaid bounds a name in a sentence, in characters, of which there are so many.
	maxSaid = 80
	said    = 2
)

// Summary is what a Run's status has of a Report.
type Summary struct {
	Tests   int     `json:"tests"`
	Failed  int     `json:"failed,omitempty"`
	Skipped int     `json:"skipped,omitempty"`
	Flaky   int     `json:"flaky,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// Failures are the first cases that failed, in the report's order.
	Failures []Failure `json:"failures,omitempty"`
	// Unread are how many warnings the report has: what it lacks isn't in the numbers.
	Unread int `json:"unread,omitempty"`
}

// Failure is a case that failed. Its texts are shorter than the case's.
type Failure struct {
	// ID is the case's.
	ID      string `json:"id"`
	Class   string `json:"class,omitempty"`
	Name    string `json:"name"`
	Message string `json:"message,omitempty"`
}

// Summary returns the totals and the first failures, of which there are as many as are
// asked for, but no more than MaxFailures or MaxSummary has room for. Messages give way
// first.
func (r *Report) Summary(most int) Summary {
	s := Summary{
		Tests: r.Tests, Failed: r.Failed, Skipped: r.Skipped, Flaky: r.Flaky,
		Seconds: r.Seconds, Unread: len(r.Warnings),
	}
	for _, c := range r.Cases[:min(len(r.Cases), max(most, 0), MaxFailures)] {
		if c.State != Failed {
			break
		}
		s.Failures = append(s.Failures, Failure{
			ID:      c.ID(),
			Class:   printable.CutBytes(c.Class, maxShort),
			Name:    printable.CutBytes(c.Name, maxShort),
			Message: printable.CutBytes(c.Message, maxReason),
		})
	}
	for i := len(s.Failures) - 1; i >= 0 && s.size() > MaxSummary; i-- {
		s.Failures[i].Message = ""
	}
	for s.size() > MaxSummary {
		s.Failures = s.Failures[:len(s.Failures)-1]
	}
	return s
}

func (s Summary) size() int {
	data, err := json.Marshal(s)
	if err != nil {
		// A struct of texts and numbers that are finite has no such error.
		return 0
	}
	return len(data)
}

// String says it in a sentence: "3 of 1,204 tests failed: TestA, TestB and 1 more".
func (s Summary) String() string {
	if s.Tests == 0 && s.Unread == 0 {
		return "no tests"
	}
	parts := []string{s.Verdict()}
	if s.Skipped > 0 {
		parts = append(parts, number(s.Skipped)+" skipped")
	}
	if s.Flaky > 0 {
		parts = append(parts, number(s.Flaky)+" flaky")
	}
	if s.Unread > 0 {
		parts = append(parts, count(s.Unread, "file")+" not read whole")
	}
	return strings.Join(parts, "; ")
}

// Verdict is how many tests failed, and the first of them, or that they passed: a part
// of String.
func (s Summary) Verdict() string {
	if s.Failed == 0 {
		return count(s.Tests-s.Skipped, "test") + " passed"
	}
	verdict := fmt.Sprintf("%s of %s failed", number(s.Failed), count(s.Tests, "test"))
	names := make([]string, 0, said)
	for _, failure := range s.Failures[:min(len(s.Failures), said)] {
		names = append(names, printable.Cut(cmp.Or(failure.Name, failure.Class, failure.ID), maxSaid))
	}
	more := s.Failed - len(names)
	switch {
	case len(names) == 0:
		return verdict
	case more > 0:
		return fmt.Sprintf("%s: %s and %s more", verdict, strings.Join(names, ", "), number(more))
	default:
		return verdict + ": " + strings.Join(names, " and ")
	}
}

// count is a number of things.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return number(n) + " " + of + "s"
}

// number writes a count with commas between thousands.
func number(n int) string {
	digits := []byte(strconv.Itoa(n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}
