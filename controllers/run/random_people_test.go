package run_test

import (
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/copies"
)

// interfere does something that nobody expects. What a cache that is far behind
// makes the controller forget, the API server reminds it of by the objects that
// are there; so there nobody deletes or cancels them.
func (s *simulation) interfere() {
	switch n := s.rng.IntN(28); {
	case n < 10:
		s.disrupt()
	case n < 13:
		s.deletePod()
	case n < 14 && !s.stale:
		s.deleteJob()
	case n < 15 && !s.stale:
		s.cancel()
	case n < 16 && !s.stale:
		s.deleteBound()
	case n < 18:
		s.approveOne()
	case n < 20:
		s.askRetry()
	case n < 24:
		s.preempt()
	case n < 26:
		s.note("time passes")
		s.pass(time.Duration(s.rng.IntN(60)) * time.Second)
	default:
		s.note("the controller is restarted")
		s.dead = true
		if s.depth == 0 {
			s.start()
		}
	}
}

// disrupt ends a pod in one of the ways that aren't its program's fault.
func (s *simulation) disrupt() {
	for _, pod := range pick[*corev1.Pod](s, "Pod", 100) {
		if !ended(pod) && pod.DeletionTimestamp == nil && pod.Spec.NodeName != "" {
			s.disruptPod(pod)
			return
		}
	}
}

func (s *simulation) disruptPod(pod *corev1.Pod) {
	truth := s.truth(pod)
	truth.disrupted = true
	if len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Terminated != nil {
		// Which came first can't be told within a second.
		truth.touched = true
	}
	mark := func(reason string) {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: s.server.now(),
		})
	}
	switch s.rng.IntN(3) {
	case 0:
		s.note("pod %s is evicted", pod.Name)
		s.server.update(pod, func() { mark("EvictionByEvictionAPI") })
		s.server.delete(pod, 30)
	case 1:
		s.note("node of pod %s is lost", pod.Name)
		s.lostNodes[pod.UID] = true
		s.server.update(pod, func() { mark("DeletionByTaintManager") })
		s.server.delete(pod, 30)
	default:
		s.note("pod %s is evicted by its kubelet", pod.Name)
		s.evicted[pod.UID] = true
		s.server.update(pod, func() { mark("TerminationByKubelet") })
	}
}

func (s *simulation) deletePod() {
	for _, pod := range pick[*corev1.Pod](s, "Pod", 1) {
		s.note("somebody deletes pod %s", pod.Name)
		s.truth(pod).touched = true
		s.server.delete(pod, int64(30*s.rng.IntN(2)))
	}
}

func (s *simulation) deleteJob() {
	for _, job := range pick[*batchv1.Job](s, "Job", 1) {
		s.note("somebody deletes Job %s", job.Name)
		truth := s.truth(job)
		truth.touched, truth.deleted = true, true
		s.server.delete(job, 0)
	}
}

func (s *simulation) cancel() {
	for _, r := range pick[*v1alpha1.Run](s, "Run", 1) {
		s.cancelRun(r)
	}
}

func (s *simulation) cancelRun(r *v1alpha1.Run) {
	s.note("somebody cancels %s", r.Name)
	s.server.update(r, func() { r.Spec.Cancelled = true })
}

// finish lets the world come to rest: nobody interferes, caches are fresh, and
// time passes when there is nothing else to do. Runs that can't end by themselves
// are cancelled first.
func (s *simulation) finish() {
	s.t.Helper()
	s.calm, s.faults = true, faults{}
	s.defaults.mend()
	s.note("the world is calm")
	s.room = s.clock.Now()
	for range s.coming {
		s.arrive()
	}
	for _, r := range copies.Of(stored[*v1alpha1.Run](s, "Run")...) {
		if s.pipeline.Spec.PendingTimeout == nil && s.hasStuck(r) || s.holds(r) {
			s.cancelRun(r)
		}
	}
	const most = 3000
	for range most {
		if s.rest() {
			return
		}
	}
	s.t.Fatalf("no rest after %d rounds", most)
}

// rest does the next thing that there is to do. It reports whether there is
// none.
func (s *simulation) rest() bool {
	if s.follow() || s.reconcile() || s.approveOne() {
		return false
	}
	before := s.server.version
	s.stepJobs(1000)
	s.stepPods(1000)
	s.stepJobQueue()
	if s.server.version != before {
		return false
	}
	next := s.queue.next()
	if next.IsZero() && !s.waitsForDeadline() {
		return true
	}
	if next.IsZero() || (next.Sub(s.clock.Now()) > time.Second && s.waitsForDeadline()) {
		next = s.clock.Now().Add(time.Second)
	}
	s.clock.SetTime(next)
	return false
}

// waitsForDeadline reports whether the kubelet has a pod to end later.
func (s *simulation) waitsForDeadline() bool {
	for _, pod := range stored[*corev1.Pod](s, "Pod") {
		if !ended(pod) && pod.Spec.ActiveDeadlineSeconds != nil && pod.Status.StartTime != nil {
			return true
		}
	}
	return false
}

func (s *simulation) hasStuck(r *v1alpha1.Run) bool {
	for i := range s.pipeline.Spec.Jobs {
		if s.truths[r.Name+"/"+s.pipeline.Spec.Jobs[i].Name].outcome.stuck() {
			return true
		}
	}
	return false
}
