package run_test

import (
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// checkJobEnd checks that what is recorded of a job's end can have come of what
// happened to it. ready: those before it have let it start.
func (s *simulation) checkJobEnd(r *v1alpha1.Run, got *v1alpha1.JobStatus, truth *truth, ready bool) {
	s.t.Helper()
	s.checkStart(r, got, truth.created, ready)
	s.checkKeeping(r, got, truth)
	switch {
	case s.spec(got.Name).Finally && got.Phase == v1alpha1.JobCancelled && r.Status.StartTime != nil:
		s.t.Errorf("%s: finally job %s is cancelled, and the Run had started", r.Name, got.Name)
	case got.Phase == v1alpha1.JobSucceeded && !truth.passed:
		s.t.Errorf("%s: job %s has succeeded, and no program of it has ended with 0 by itself", r.Name, got.Name)
	case got.Phase == v1alpha1.JobCancelled && !cutShort(r):
		s.t.Errorf("%s: job %s is cancelled, and nobody did", r.Name, got.Name)
	case ready && got.Phase != v1alpha1.JobSkipped:
		s.checkVerdict(r, got, truth)
	}
}

// checkStart checks that a job has run if its condition let it.
func (s *simulation) checkStart(r *v1alpha1.Run, got *v1alpha1.JobStatus, made int, ready bool) {
	s.t.Helper()
	switch {
	case got.Phase == v1alpha1.JobSkipped && (ready || made > 0):
		s.t.Errorf("%s: job %s is skipped; its condition holds: %t, %d Jobs were made", r.Name, got.Name, ready, made)
	case (got.Phase == v1alpha1.JobSucceeded || got.Phase == v1alpha1.JobFailed) && !ready && made == 0:
		s.t.Errorf("%s: job %s is %s, and its condition doesn't hold", r.Name, got.Name, got.Phase)
	}
}

// checkJobName checks that the job's status says which Job it had. A Job that
// nobody knew of when the job was cancelled need not be there.
func (s *simulation) checkJobName(r *v1alpha1.Run, got *v1alpha1.JobStatus, truth *truth) {
	s.t.Helper()
	want := job.Name(r.Name, got.Name)
	switch {
	case truth.created == 0:
		want = ""
	case got.Job == "" && (truth.deleted || got.Phase == v1alpha1.JobCancelled):
		return
	}
	if got.Job != want {
		s.t.Errorf("%s: job %s has Job %q, and %d were made", r.Name, got.Name, got.Job, truth.created)
	}
}

// checkVerdict compares a job's result with what its program does, if nothing
// else can have decided it.
func (s *simulation) checkVerdict(r *v1alpha1.Run, got *v1alpha1.JobStatus, truth *truth) {
	s.t.Helper()
	if s.checkAnswer(r, got, truth.created) {
		return
	}
	want, reason, certain := truth.expected(s.spec(got.Name))
	if s.spec(got.Name).Finally && got.Reason == v1alpha1.ReasonTimedOut && r.Status.CompletionTime.Sub(r.Status.FinallyStartTime.Time) >= 10*time.Minute {
		return
	}
	if !certain || (cutShort(r) && got.Phase != v1alpha1.JobFailed) {
		return
	}
	if got.Phase != want || got.Reason != reason {
		s.t.Errorf("%s: job %s: %s %s, want %s %s", r.Name, got.Name, got.Phase, got.Reason, want, reason)
	}
}
