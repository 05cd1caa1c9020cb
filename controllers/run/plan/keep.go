package plan

import (
	"slices"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/evidence"
)

// maxFindings bounds what the status of a Run says of its jobs' tests, and of their
// warnings, in bytes of text.
const maxFindings = 64 << 10

// lack ends a job whose program has succeeded, and that couldn't keep what it was to.
func (f *Facts) lack(s v1alpha1.JobStatus, unkept string) v1alpha1.JobStatus {
	return f.finish(s, v1alpha1.JobFailed, v1alpha1.ReasonArtifactsFailed, evidence.Shorten("its program succeeded, but "+unkept))
}

// keeps reports whether pods of the job keep something.
func (f *Facts) keeps(job string) bool {
	i := slices.IndexFunc(f.Spec.Jobs, func(j v1alpha1.Job) bool { return j.Name == job })
	return i >= 0 && evidence.Keeps(&f.Spec.Jobs[i].Template.Spec.Template.Spec)
}

// addFindings adds what the job's pod says of tests, and its warnings. It changes nothing
// of why the job has ended. Where the Run has no room for all of it, the numbers stay.
func (f *Facts) addFindings(p part, s v1alpha1.JobStatus, done map[string]*v1alpha1.JobStatus) v1alpha1.JobStatus {
	if p.job == nil || !evidence.Single(p.job) {
		return s
	}
	s.Tests, s.Warnings = evidence.Tests(p.pods)
	size := findingBytes(&s)
	if size > 0 && size+f.others(s.Name, done, findingBytes) > maxFindings {
		s.Warnings = nil
		if s.Tests != nil {
			s.Tests.Failures = nil
		}
	}
	return s
}

func findingBytes(s *v1alpha1.JobStatus) int { return evidence.FindingBytes(s.Tests, s.Warnings) }
