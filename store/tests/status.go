package tests

import "github.com/kayci/kayci/api/v1alpha1"

// Status returns the summary as a Run's status has it. Its numbers have to fit there.
func (s Summary) Status() *v1alpha1.TestSummary {
	status := &v1alpha1.TestSummary{
		Total: int32(s.Tests), Failed: int32(s.Failed), Skipped: int32(s.Skipped), Flaky: int32(s.Flaky), Unread: int32(s.Unread),
	}
	for _, f := range s.Failures {
		status.Failures = append(status.Failures, v1alpha1.FailedTest{Class: f.Class, Name: f.Name, Message: f.Message})
	}
	return status
}

// Of returns what a Run's status has, for its words.
func Of(status *v1alpha1.TestSummary) Summary {
	s := Summary{
		Tests: int(status.Total), Failed: int(status.Failed), Skipped: int(status.Skipped), Flaky: int(status.Flaky), Unread: int(status.Unread),
	}
	for _, f := range status.Failures {
		s.Failures = append(s.Failures, Failure{Class: f.Class, Name: f.Name, Message: f.Message})
	}
	return s
}
