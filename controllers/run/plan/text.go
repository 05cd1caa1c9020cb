package plan

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

const (
	// maxSummary bounds what a message repeats of another, in characters: it stands in
	// a table.
	maxSummary = 160
	// maxNamed bounds how many jobs a message names.
	maxNamed = 8
)

func names(jobs []string) string {
	if len(jobs) <= maxNamed {
		return strings.Join(jobs, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(jobs[:maxNamed], ", "), len(jobs)-maxNamed)
}

// list is a part of a message, blank without jobs.
func list(what string, jobs []string) string {
	if len(jobs) == 0 {
		return ""
	}
	return "; " + what + ": " + names(jobs)
}

// sayFailed says why a job has failed, in a sentence of a table. That tests have failed
// says more than the code of the program that ran them.
func sayFailed(s *v1alpha1.JobStatus) string {
	text := fmt.Sprintf("%s: %s", s.Reason, printable.CutMiddle(s.Message, maxSummary))
	switch tests := printable.CutMiddle(evidence.FailedTests(s.Tests), maxSummary); {
	case tests == "":
		return text
	case s.Reason == v1alpha1.ReasonError:
		return tests
	default:
		return text + "; " + tests
	}
}
