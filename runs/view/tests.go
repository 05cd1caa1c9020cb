package view

import (
	"strings"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
	"github.com/kayci/kayci/store/tests"
)

// Tests are what the test reports of a job say.
type Tests struct {
	// Failed says which tests have failed, blank if none has.
	Failed string
	// Said is what there is to say beside why the job has ended as it has: all in a
	// sentence, without what is said there of failed tests.
	Said string
	// Failures are the first tests that failed, and More how many others have.
	Failures []FailedTest
	More     int
}

// FailedTest is a test that failed.
type FailedTest struct {
	// Class is what it belongs to, as a package. Blank: its tool doesn't say.
	Class, Name string
	// Message is why it failed, or blank.
	Message string
}

func testsOf(s *v1alpha1.TestSummary) *Tests {
	if s == nil {
		return nil
	}
	t := &Tests{Failed: printable.Text(evidence.FailedTests(s)), Said: printable.Text(tests.Of(s).String()), More: int(s.Failed) - len(s.Failures)}
	for _, f := range s.Failures {
		t.Failures = append(t.Failures, FailedTest{line(f.Class), line(f.Name), line(f.Message)})
	}
	return t
}

// tellTests adds to why a job has not succeeded which of its tests have failed. That
// says more than the code of the program that ran them.
func (j *Job) tellTests() {
	if j.Tests == nil || j.Tests.Failed == "" || !j.State.Ended() || j.State == Succeeded {
		return
	}
	if j.Reason == v1alpha1.ReasonError || j.Why == "" {
		j.Why = j.Tests.Failed
	} else {
		j.Why += "; " + j.Tests.Failed
	}
	j.Tests.Said = strings.TrimPrefix(strings.TrimPrefix(j.Tests.Said, j.Tests.Failed), "; ")
}
