package run_test

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// jobQueue decides which Jobs run, by what they are suspended: each is when it
// is made, and those that have a place aren't. It insists on that.
type jobQueue struct {
	places   int
	admitted map[types.UID]string // the Jobs' names
	held     map[types.UID]bool   // never to be admitted again
}

// addJobQueue gives some worlds a queue. Where services need places, too, there
// are enough.
func (s *simulation) addJobQueue(spec *v1alpha1.PipelineSpec) {
	if !chance(s.rng, 250) {
		return
	}
	s.jobQueue = &jobQueue{places: 1 + s.rng.IntN(4), admitted: map[types.UID]string{}, held: map[types.UID]bool{}}
	if len(spec.Services) > 0 {
		s.jobQueue.places = 1000
	}
	s.note("a queue has %d places", s.jobQueue.places)
}

// admit is the queue's admission webhook.
func (s *simulation) admit(obj client.Object) {
	job, is := obj.(*batchv1.Job)
	if is && s.jobQueue != nil && job.Labels[v1alpha1.NotifierLabel] == "" {
		job.Spec.Suspend = new(true)
	}
}

// stepJobQueue lets the queue do the next thing. It reports whether there was
// something to do.
func (s *simulation) stepJobQueue() bool {
	q := s.jobQueue
	if q == nil {
		return false
	}
	s.freePlaces(q)
	for _, job := range pick[*batchv1.Job](s, "Job", 1000) {
		_, admitted := q.admitted[job.UID]
		switch suspended := ptr.Deref(job.Spec.Suspend, false); {
		case job.Spec.Suspend == nil, jobHas(job, batchv1.JobComplete), jobHas(job, batchv1.JobFailed):
		case admitted && ptr.Deref(job.Spec.Completions, 1) == 0:
			// To Kueue it isn't the Job any more that was let in.
			delete(q.admitted, job.UID)
			s.setSuspend(job, true)
			return true
		case admitted == !suspended:
			if admitted || q.held[job.UID] || ptr.Deref(job.Spec.Completions, 1) == 0 || len(q.admitted) >= q.places {
				continue
			}
			q.admitted[job.UID] = job.Name
			s.setSuspend(job, false)
			return true
		default:
			s.setSuspend(job, !admitted)
			return true
		}
	}
	return false
}

// freePlaces gives back those of Jobs that have ended.
func (s *simulation) freePlaces(q *jobQueue) {
	for uid, name := range q.admitted {
		made, found := s.server.objects["Job"][name].(*batchv1.Job)
		if !found || made.UID != uid || jobHas(made, batchv1.JobComplete) || jobHas(made, batchv1.JobFailed) {
			delete(q.admitted, uid)
		}
	}
}

func (s *simulation) setSuspend(job *batchv1.Job, suspend bool) {
	s.note("the queue sets suspend of Job %s to %t", job.Name, suspend)
	s.server.update(job, func() { job.Spec.Suspend = &suspend })
}

// preempt takes a Job its place away, sometimes for good. Services are left
// alone: what they hold is lost with their pod.
func (s *simulation) preempt() {
	for _, job := range pick[*batchv1.Job](s, "Job", 100) {
		if s.jobQueue == nil || s.jobQueue.admitted[job.UID] == "" || job.Labels[v1alpha1.ServiceLabel] != "" {
			continue
		}
		pods := s.podsOf(job)
		runs := slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
			return pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
		})
		if !runs && chance(s.rng, 800) {
			continue
		}
		for _, pod := range pods {
			if len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Terminated != nil && !ended(pod) {
				// Whether it counts depends on what is seen first.
				s.truth(job).touched = true
			}
		}
		delete(s.jobQueue.admitted, job.UID)
		s.jobQueue.held[job.UID] = chance(s.rng, 200)
		s.setSuspend(job, true)
		return
	}
}

// holds reports whether a Job of the Run is held for good.
func (s *simulation) holds(r *v1alpha1.Run) bool {
	return slices.ContainsFunc(stored[*batchv1.Job](s, "Job"), func(job *batchv1.Job) bool {
		return s.jobQueue != nil && s.jobQueue.held[job.UID] && metav1.IsControlledBy(job, r)
	})
}

// checkUntampered checks that the controller leaves a Job's suspension to who
// owns it.
func (s *simulation) checkUntampered(c change) {
	s.t.Helper()
	before, was := c.before.(*batchv1.Job)
	after, is := c.after.(*batchv1.Job)
	if s.writing && was && is && !ptr.Equal(before.Spec.Suspend, after.Spec.Suspend) {
		s.t.Errorf("the controller sets suspend of Job %s to %v", after.Name, after.Spec.Suspend)
	}
}

// checkJobHasEnded checks that nothing waits for a Job that nobody is going to
// run any more, and that a service which was stopped looks well.
func (s *simulation) checkJobHasEnded(r *v1alpha1.Run, made *batchv1.Job) {
	s.t.Helper()
	complete := jobHas(made, batchv1.JobComplete)
	if !complete && !jobHas(made, batchv1.JobFailed) {
		s.t.Errorf("%s has ended, and its Job %s hasn't: %+v, %+v", r.Name, made.Name, made.Spec.Suspend, made.Status)
	}
	truth := s.truth(made)
	stopped := slices.ContainsFunc(r.Status.Services, func(service v1alpha1.ServiceStatus) bool {
		return service.Job == made.Name && service.Phase == v1alpha1.ServiceStopped
	})
	if stopped && !complete && !truth.touched && !truth.disrupted {
		s.t.Errorf("the service of Job %s was stopped, and that looks like a failure: %+v", made.Name, made.Status.Conditions)
	}
}

// checkKept checks, when a Job is gone, that the pods of it that had ended are
// there for whoever reads their logs.
func (s *simulation) checkKept(c change) {
	s.t.Helper()
	made, is := c.before.(*batchv1.Job)
	if !is || c.after != nil || !s.writing {
		return
	}
	for _, pod := range s.podsOf(made) {
		kept := slices.ContainsFunc(pod.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == v1alpha1.RunKind })
		if pod.Status.Phase == corev1.PodFailed && pod.DeletionTimestamp == nil && !kept && !s.stale {
			s.t.Errorf("Job %s is deleted, and pod %s with it, which has ended", made.Name, pod.Name)
		}
	}
}
