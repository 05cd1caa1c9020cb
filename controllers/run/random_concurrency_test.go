package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run/job"
)

// bound gives the Pipeline a concurrency key, which is the same for all Runs.
func bound(rng *rand.Rand, spec *v1alpha1.PipelineSpec) {
	if !chance(rng, 300) {
		return
	}
	policies := []v1alpha1.ConcurrencyPolicy{v1alpha1.ConcurrencyQueue, v1alpha1.ConcurrencyReplace, v1alpha1.ConcurrencySkip}
	spec.Concurrency = &v1alpha1.Concurrency{Key: "'main'", Limit: int32(1 + rng.IntN(2)), Policy: policies[rng.IntN(3)]}
	if chance(rng, 300) {
		spec.Concurrency.Group = "all"
	}
}

// arrive creates a Run that comes later than others.
func (s *simulation) arrive() {
	if len(s.coming) == 0 {
		return
	}
	s.note("%s arrives", s.coming[0].Name)
	s.mustCreate(s.coming[0])
	s.coming = s.coming[1:]
}

// deleteQueued deletes a Run that waits, with what it has made.
func (s *simulation) deleteQueued() {
	for _, r := range pick[*v1alpha1.Run](s, "Run", 1) {
		if r.Status.Concurrency == nil || r.Status.Concurrency.Admitted || r.Status.Phase.Finished() {
			continue
		}
		s.note("somebody deletes %s", r.Name)
		s.server.delete(r, 0)
		for _, made := range stored[*batchv1.Job](s, "Job") {
			if metav1.IsControlledBy(made, r) {
				s.server.delete(made, 0)
			}
		}
	}
}

// checkPlaces checks that a Run is admitted only if there is room, and, when
// nothing is in the way, soon after.
func (s *simulation) checkPlaces(before, after *v1alpha1.Run) {
	s.t.Helper()
	if s.pipeline.Spec.Concurrency == nil {
		return
	}
	if admitted(after) && !admitted(before) {
		n := 0
		for _, r := range stored[*v1alpha1.Run](s, "Run") {
			if admitted(r) && !r.Status.Phase.Finished() {
				n++
			}
		}
		if n > int(s.pipeline.Spec.Concurrency.Limit) {
			s.t.Errorf("%s is admitted as one of %d", after.Name, n)
		}
		if late := s.clock.Since(s.room); s.calm && late > time.Minute {
			s.t.Errorf("%s is admitted %s after there was room", after.Name, late)
		}
		return
	}
	s.room = s.clock.Now()
}

func admitted(r *v1alpha1.Run) bool {
	return r.Status.Concurrency != nil && r.Status.Concurrency.Admitted
}

// checkAdmitted checks that the Run that a Job is made for has a place.
func (s *simulation) checkAdmitted(created *batchv1.Job) {
	s.t.Helper()
	r, found := s.server.objects["Run"][created.Labels[v1alpha1.RunLabel]].(*v1alpha1.Run)
	if found && s.pipeline.Spec.Concurrency != nil && !admitted(r) {
		s.t.Errorf("Job %s is created for a Run that has no place: %+v", created.Name, r.Status.Concurrency)
	}
}

// checkPlace checks why a Run has ended that others were in the way of.
func (s *simulation) checkPlace(r *v1alpha1.Run) {
	s.t.Helper()
	c := s.pipeline.Spec.Concurrency
	reason := reasonOf(r)
	wrong := ""
	switch {
	case c == nil:
		if r.Status.Concurrency != nil || displaced(r) {
			wrong = "nothing bounds it"
		}
	case reason == v1alpha1.ReasonSkipped && (c.Policy != v1alpha1.ConcurrencySkip || admitted(r)),
		reason == v1alpha1.ReasonReplaced && c.Policy != v1alpha1.ConcurrencyReplace:
		wrong = fmt.Sprintf("its policy is %s", c.Policy)
	case !admitted(r) && !r.Spec.Cancelled && !displaced(r):
		wrong = "it was never admitted"
	}
	if wrong != "" {
		s.t.Errorf("%s is %s, %s, and %s: %+v", r.Name, r.Status.Phase, reason, wrong, r.Status.Concurrency)
	}
	if made := s.server.objects["Job"]; !admitted(r) && c != nil && slices.ContainsFunc(s.pipeline.Spec.Jobs, func(spec v1alpha1.Job) bool {
		return made[job.Name(r.Name, spec.Name)] != nil
	}) {
		s.t.Errorf("%s was never admitted, and has Jobs", r.Name)
	}
}

// displaced reports whether the Run has ended for others of its key.
func displaced(r *v1alpha1.Run) bool {
	return reasonOf(r) == v1alpha1.ReasonSkipped || reasonOf(r) == v1alpha1.ReasonReplaced
}
