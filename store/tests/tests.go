// Package tests reads what test tools say, in files of JUnit's XML whatever language they
// test, or as `go test -json` prints it: how many tests failed, which, and why. The files
// come from programs that nobody has looked at, so that every size is bounded, and every
// text is fit for people's eyes. It is pure.
package tests

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// What a Report holds at most. What is beyond is counted.
const (
	// MaxFile is how much of a file is read, in bytes.
	MaxFile = 64 << 20
	// MaxCases of a Report. The last tenth of this, and of MaxNames, is for cases that
	// failed, which often come late.
	MaxCases = 100_000
	// MaxNames bounds the names and messages of all cases together, in bytes.
	MaxNames = 32 << 20
	// MaxDetails bounds the details and outputs of all cases together, in bytes.
	MaxDetails = 16 << 20
	// MaxWarnings of a Report.
	MaxWarnings = 100

	// maxName bounds a suite, class, name or file, maxMessage a message or warning, and
	// maxText the details or the output of a case, in bytes.
	maxName    = 512
	maxMessage = 1 << 10
	maxText    = 16 << 10
)

// State is how a case ended.
type State string

// The states of cases.
const (
	Passed  State = "Passed"
	Failed  State = "Failed"
	Skipped State = "Skipped"
)

// Report is what the files of a job say together. Its zero value is a report without
// files, for Read to add to.
type Report struct {
	// Tests are all cases. Failed and Skipped ones are among them, and so are those that
	// were omitted. What JUnit calls an error has failed, too.
	Tests   int `json:"tests"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	// Flaky are cases that passed after they had failed.
	Flaky int `json:"flaky"`
	// Seconds that the cases took together: more than what has passed on the clock, if
	// they ran at the same time.
	Seconds float64 `json:"seconds"`
	// Cases, failed ones first, and then by suite, class and name.
	Cases []Case `json:"cases"`
	// Omitted are the cases beyond the limits, which Cases lacks.
	Omitted int `json:"omitted,omitempty"`
	// Warnings name files that couldn't be read whole, and why. What was read of such a
	// file counts.
	Warnings []string `json:"warnings,omitempty"`
}

// Case is one test. Its texts are for people to read.
type Case struct {
	// Suite is the suite's name, after those of the suites around it: "outer > inner".
	Suite string `json:"suite,omitempty"`
	Class string `json:"class,omitempty"`
	Name  string `json:"name"`
	// File and Line are as the tool wrote them, if it did. Some tools count lines from 0.
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	State State  `json:"state"`
	// Flaky is set if the case passed after it had failed.
	Flaky bool `json:"flaky,omitempty"`
	// Retries are how often the case was run again in the same job.
	Retries int     `json:"retries,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// Message is why the case failed, failed at first, or was skipped, in one line.
	Message string `json:"message,omitempty"`
	// Details are the lines that go with the message, as a stack trace.
	Details string `json:"details,omitempty"`
	// Output is what a failed case printed. A long output lacks its middle.
	Output string `json:"output,omitempty"`
}

// ID tells the case from others of its report, and is the same in each report: 16
// hexadecimal digits, which follow from its suite, class and name.
func (c Case) ID() string {
	return digest([]byte(c.Suite + "\x00" + c.Class + "\x00" + c.Name))
}

func digest(of []byte) string {
	sum := sha256.Sum256(of)
	return hex.EncodeToString(sum[:8])
}

// key is what ID is made of.
type key struct{ suite, class, name string }

func (c Case) key() key {
	return key{c.Suite, c.Class, c.Name}
}

// names is the size of what the case has in MaxNames, and details that in MaxDetails.
func (c Case) names() int {
	return len(c.Suite) + len(c.Class) + len(c.Name) + len(c.File) + len(c.Message)
}

func (c Case) details() int {
	return len(c.Details) + len(c.Output)
}

// order is that of the cases of a report.
func order(a, b Case) int {
	return cmp.Or(
		cmp.Compare(rank(a.State), rank(b.State)),
		cmp.Compare(a.Suite, b.Suite),
		cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Name, b.Name),
	)
}

func rank(state State) int {
	if state == Failed {
		return 0
	}
	return 1
}

// sortFrom puts the cases from an index on among those before it, which are in order.
// It costs little if few are moved, as when files are read in the order of their names.
func sortFrom(cases []Case, from int) {
	added := slices.Clone(cases[from:])
	slices.SortStableFunc(added, order)
	at, old := len(cases), from
	for len(added) > 0 {
		at--
		last := added[len(added)-1]
		if old > 0 && order(cases[old-1], last) > 0 {
			old--
			cases[at] = cases[old]
			continue
		}
		cases[at] = last
		added = added[:len(added)-1]
	}
}
