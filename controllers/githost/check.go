package githost

import (
	"context"
	"time"
)

// MaxText is how many bytes a check's summary and text may have together: GitHub takes
// 65,535 characters of each, and reads more slowly what is larger.
const MaxText = 60_000

// Checker is a Host that shows more of a Run than a status: in its place it takes a
// check.
type Checker interface {
	// SetCheck sets what stands at a commit in the status's context, for the check's ID.
	// A check that has ended goes on only by another's ID: what comes late changes nothing.
	SetCheck(ctx context.Context, repository, sha string, check *Check) error
}

// Check is a status with more behind it.
type Check struct {
	Status
	// ID tells the check from others in its context at the same commit. It is the same
	// whoever sets the check, so that there is one.
	ID string
	// ActionRequired: somebody has to do what the description says for anything to begin.
	ActionRequired bool
	// Started and Ended are the times of a Run. Zero: it has not.
	Started, Ended time.Time
	// Summary and Text are Markdown, of MaxText bytes at most.
	Summary, Text string
}
