package run_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/run"
	"github.com/kayci/kayci/controllers/run/job"
	"github.com/kayci/kayci/test/copies"
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

// deleteBound deletes a Run that has a place or waits for one. What it has made
// goes when the garbage collector finds it.
func (s *simulation) deleteBound() {
	for _, r := range pick[*v1alpha1.Run](s, "Run", 1) {
		if r.Status.Concurrency == nil || r.Status.Phase.Finished() {
			continue
		}
		s.note("somebody deletes %s", r.Name)
		s.server.delete(r, 0)
	}
}

// collectServices is garbage collection.
func (s *simulation) collectServices() {
	for _, made := range copies.Of(stored[*corev1.Service](s, "Service")...) {
		if s.ownerless(made) {
			s.server.delete(made, 0)
		}
	}
}

// ownerless reports whether the Run that the object is of is gone.
func (s *simulation) ownerless(made client.Object) bool {
	of := metav1.GetControllerOf(made)
	r, found := s.server.objects["Run"][of.Name].(*v1alpha1.Run)
	return !found || r.UID != of.UID
}

// checkAtOnce checks that no more Runs than may have a place, or are gone and
// still run.
func (s *simulation) checkAtOnce(what string) {
	s.t.Helper()
	holders := map[types.UID]string{}
	uids, waiting := map[types.UID]bool{}, map[types.UID]bool{}
	for _, r := range stored[*v1alpha1.Run](s, "Run") {
		uids[r.UID] = true
		if admitted(r) && !r.Status.Phase.Finished() {
			holders[r.UID] = r.Name
		}
		waiting[r.UID] = !admitted(r) && !r.Status.Phase.Finished()
	}
	holds := func(obj client.Object) {
		uid := types.UID(obj.GetLabels()[v1alpha1.RunUIDLabel])
		switch of := obj.GetLabels()[v1alpha1.RunLabel]; {
		case len(run.LockOf(obj)) == 0:
		case !uids[uid]:
			holders[uid] = "what is left of " + of
		case waiting[uid]:
			s.t.Errorf("%s has no place, and %s may run", of, obj.GetName())
		}
	}
	for _, job := range stored[*batchv1.Job](s, "Job") {
		holds(job)
	}
	for _, pod := range stored[*corev1.Pod](s, "Pod") {
		holds(pod)
	}
	if len(holders) > int(s.pipeline.Spec.Concurrency.Limit) {
		s.t.Errorf("with %s there are %d at a time: %v", what, len(holders), holders)
	}
}

// noteRoom notes that what is left of a deleted Run has ended.
func (s *simulation) noteRoom(c change) {
	if c.before != nil && len(run.LockOf(c.before)) > 0 && (c.after == nil || len(run.LockOf(c.after)) == 0) {
		s.room = s.clock.Now()
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
		s.checkAtOnce(after.Name)
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

// hadPlace reports whether the Run has a place, or has given it back.
func hadPlace(r *v1alpha1.Run) bool {
	return admitted(r) || r.Status.Concurrency != nil && r.Status.Concurrency.Released
}

// checkAdmitted checks that the Run that a Job is made for has a place.
func (s *simulation) checkAdmitted(created *batchv1.Job) {
	s.t.Helper()
	if s.pipeline.Spec.Concurrency == nil {
		return
	}
	s.checkAtOnce("Job " + created.Name)
	r, found := s.server.objects["Run"][created.Labels[v1alpha1.RunLabel]].(*v1alpha1.Run)
	if found && !admitted(r) {
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
	case !hadPlace(r) && !r.Spec.Cancelled && !displaced(r):
		wrong = "it was never admitted"
	}
	if wrong != "" {
		s.t.Errorf("%s is %s, %s, and %s: %+v", r.Name, r.Status.Phase, reason, wrong, r.Status.Concurrency)
	}
	if made := s.server.objects["Job"]; !hadPlace(r) && c != nil && slices.ContainsFunc(s.pipeline.Spec.Jobs, func(spec v1alpha1.Job) bool {
		return made[job.Name(r.Name, spec.Name)] != nil
	}) {
		s.t.Errorf("%s was never admitted, and has Jobs", r.Name)
	}
}

// displaced reports whether the Run has ended for others of its key.
func displaced(r *v1alpha1.Run) bool {
	return reasonOf(r) == v1alpha1.ReasonSkipped || reasonOf(r) == v1alpha1.ReasonReplaced
}
