package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/test/copies"
)

// askApprovals lets some jobs wait for an approval.
func askApprovals(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	often := 200
	if spec.Concurrency != nil {
		often = 600 // They free its place.
	}
	if !chance(rng, often) {
		return
	}
	for i := range spec.Jobs {
		if chance(rng, 200) && !spec.Jobs[i].Finally {
			spec.Jobs[i].Approval = &v1alpha1.JobApproval{}
			if chance(rng, 300) {
				spec.Jobs[i].Approval.Timeout = &metav1.Duration{Duration: time.Duration(1+rng.IntN(60)) * time.Second}
			}
		}
	}
}

// approve approves or refuses a job of the Run that asks for it, the first one that
// nobody has. It reports whether there is one.
func (s *simulation) approve(r *v1alpha1.Run) bool {
	for i := range s.pipeline.Spec.Jobs {
		spec := &s.pipeline.Spec.Jobs[i]
		if _, answered := answer(r, spec.Name); spec.Approval == nil || answered || r.Status.Phase.Finished() {
			continue
		}
		given := v1alpha1.Approval{Job: spec.Name, Refused: !s.calm && chance(s.rng, 200)}
		s.note("somebody answers job %s of %s, refused %t", spec.Name, r.Name, given.Refused)
		s.server.update(r, func() { r.Spec.Approvals = append(r.Spec.Approvals, given) })
		return true
	}
	return false
}

func (s *simulation) approveOne() bool {
	return slices.ContainsFunc(copies.Of(stored[*v1alpha1.Run](s, "Run")...), s.approve)
}

// answer returns whether the job may start by what somebody has said.
func answer(r *v1alpha1.Run, name string) (approved, answered bool) {
	i := slices.IndexFunc(r.Spec.Approvals, func(a v1alpha1.Approval) bool { return a.Job == name })
	return i >= 0 && !r.Spec.Approvals[i].Refused, i >= 0
}

// checkAnswer checks that a job that was not let start has ended for that, and
// reports whether it has.
func (s *simulation) checkAnswer(r *v1alpha1.Run, got *v1alpha1.JobStatus, made int) bool {
	s.t.Helper()
	spec := s.spec(got.Name)
	approved, answered := answer(r, got.Name)
	refused := answered && !approved
	expired := got.Reason == v1alpha1.ReasonApprovalExpired
	kept := got.Reason == v1alpha1.ReasonApprovalRefused || expired
	switch {
	case spec.Approval == nil:
		return false
	case refused && !kept && !cutShort(r),
		kept && (made > 0 || got.Phase != v1alpha1.JobFailed || expired && spec.Approval.Timeout == nil || !expired && !refused):
		s.t.Errorf("%s: job %s was refused: %t, and is %s, %s; %d Jobs were made", r.Name, got.Name, refused, got.Phase, got.Reason, made)
	}
	return kept || refused
}

// checkApproved checks that the job may start as far as people have a say in it.
func (s *simulation) checkApproved(created *batchv1.Job, spec *v1alpha1.Job) {
	s.t.Helper()
	if approved, _ := answer(s.believes, spec.Name); spec.Approval != nil && !approved {
		s.t.Errorf("Job %s is created, and nobody has approved it", created.Name)
	}
}

// askRetry asks for another Run in the place of one, if that should fail.
func (s *simulation) askRetry() {
	for _, r := range pick[*v1alpha1.Run](s, "Run", 1) {
		s.note("somebody asks to retry %s", r.Name)
		s.server.update(r, func() {
			metav1.SetMetaDataAnnotation(&r.ObjectMeta, v1alpha1.RetryAnnotation, fmt.Sprint(len(s.history)))
		})
	}
}

// enroll decides what becomes of the jobs of a Run that retries another: some
// that failed don't again, and what stood in the way of others is gone.
func (s *simulation) enroll(r *v1alpha1.Run) {
	s.t.Helper()
	if s.truths[r.Name+"/"+s.pipeline.Spec.Jobs[0].Name] != nil {
		return
	}
	source, found := s.server.objects["Run"][r.Spec.RetryOf].(*v1alpha1.Run)
	if !found || !source.Status.Phase.Finished() || source.Status.Phase == v1alpha1.RunSucceeded {
		s.t.Fatalf("%s retries %q: %+v", r.Name, r.Spec.RetryOf, source)
	}
	s.enrollOthers(r)
	reusable := len(s.pipeline.Spec.Services) == 0 && s.pipeline.Spec.Workspace == nil
	for i := range s.pipeline.Spec.Jobs {
		spec := &s.pipeline.Spec.Jobs[i]
		was := s.truths[source.Name+"/"+spec.Name]
		truth := &truth{outcome: was.outcome, onTerm: was.onTerm, reused: reusable && !spec.Finally && len(source.Status.Jobs) > i && source.Status.Jobs[i].Phase == v1alpha1.JobSucceeded}
		if truth.outcome.stuck() || (truth.outcome != hangs && chance(s.rng, 500)) {
			truth.outcome = succeeds
		}
		for _, need := range spec.Needs {
			truth.reused = truth.reused && s.truths[r.Name+"/"+need].reused
		}
		truth.passed = truth.reused
		s.truths[r.Name+"/"+spec.Name] = truth
		s.note("%s: job %s %s, reused %t", r.Name, spec.Name, truth.outcome, truth.reused)
	}
}

// enrollOthers decides what becomes of a Run's services and notifiers.
func (s *simulation) enrollOthers(r *v1alpha1.Run) {
	for k := range s.pipeline.Spec.Services {
		s.truths[r.Name+"/"+s.pipeline.Spec.Services[k].Name] = &truth{outcome: serves, onTerm: int32(143 * s.rng.IntN(2))}
		s.note("%s: service %s", r.Name, s.pipeline.Spec.Services[k].Name)
	}
	for k := range s.pipeline.Spec.Notifiers {
		n := &s.pipeline.Spec.Notifiers[k]
		s.truths[r.Name+"/"+n.Name] = &truth{outcome: s.noticeFate(), onTerm: 143}
		s.note("%s: notifier %s of %v %s", r.Name, n.Name, n.Phases, s.truths[r.Name+"/"+n.Name].outcome)
	}
}

// checkReused checks that what a Run has not done itself an earlier one has, and
// that it has only done itself what it had to.
func (s *simulation) checkReused(r *v1alpha1.Run, got *v1alpha1.JobStatus, truth *truth) {
	s.t.Helper()
	if reused := got.ReusedFrom != ""; reused != truth.reused || (reused && truth.created > 0) {
		s.t.Errorf("%s: job %s is reused from %q, and to be reused: %t; %d Jobs were made", r.Name, got.Name, got.ReusedFrom, truth.reused, truth.created)
	}
	if got.ReusedFrom == "" {
		return
	}
	if got.Phase != v1alpha1.JobSucceeded || got.Job != job.Name(got.ReusedFrom, got.Name) || !s.truths[got.ReusedFrom+"/"+got.Name].passed {
		s.t.Errorf("%s: job %s is reused as %+v", r.Name, got.Name, got)
	}
	for _, name := range graph.Ancestors(s.pipeline.Spec.Jobs, got.Name) {
		if !s.truths[r.Name+"/"+name].reused {
			s.t.Errorf("%s: job %s is reused, and job %s, which it needs, isn't", r.Name, got.Name, name)
		}
	}
}
