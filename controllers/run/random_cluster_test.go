package run_test

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kayci/kayci/api/v1alpha1"
)

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// What holds a pod that is deleted: jobTracking until the Job controller has
// counted it, kubelet until its containers have ended.
const (
	jobTracking = batchv1.JobTrackingFinalizer
	kubelet     = "kubelet"
)

// stepJob lets the Job controller make one write for the Job, if it has one to
// make. It follows the real one for Jobs of one pod: an ignored failure is
// free, a verdict comes in two writes, pods are counted before they may go.
func (s *simulation) stepJob(job *batchv1.Job) {
	if job.DeletionTimestamp != nil || job.Labels["kayci.dev/run"] == "" {
		return
	}
	if s.ownerless(job) {
		s.note("garbage collection deletes Job %s", job.Name)
		s.server.delete(job, 0)
		return
	}
	pods := s.podsOf(job)
	switch {
	case jobHas(job, batchv1.JobComplete), jobHas(job, batchv1.JobFailed):
		s.release(pods)
	case jobHas(job, batchv1.JobFailureTarget):
		s.concludeFailure(job, pods)
	case jobHas(job, batchv1.JobSuccessCriteriaMet):
		s.server.update(job, func() {
			job.Status.CompletionTime = new(s.server.now())
			s.judge(job, batchv1.JobComplete, "")
		})
	default:
		s.runJob(job, pods)
	}
}

// runJob counts what has ended, judges, and keeps one pod going, or none of a
// suspended Job.
func (s *simulation) runJob(job *batchv1.Job, pods []*corev1.Pod) {
	if s.count(job, pods) {
		return
	}
	over := ptr.Deref(job.Spec.Completions, 1) == 0 && !slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return !ended(pod) })
	switch {
	case s.charged[job.UID] > ptr.Deref(job.Spec.BackoffLimit, 6):
		s.server.update(job, func() { s.judge(job, batchv1.JobFailureTarget, batchv1.JobReasonBackoffLimitExceeded) })
	case ptr.Deref(job.Spec.ActiveDeadlineSeconds, 1) == 0 && job.Status.StartTime != nil:
		s.server.update(job, func() { s.judge(job, batchv1.JobFailureTarget, batchv1.JobReasonDeadlineExceeded) })
	case job.Status.Succeeded > 0, over:
		s.server.update(job, func() { s.judge(job, batchv1.JobSuccessCriteriaMet, batchv1.JobReasonCompletionsReached) })
	case ptr.Deref(job.Spec.Suspend, false):
		s.withdraw(pods)
	case ptr.Deref(job.Spec.Completions, 1) == 0:
		s.withdraw(pods)
	case !slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return !ended(pod) }):
		s.makePod(job)
	}
}

// withdraw deletes the pods of a Job that wants none now, and never counts them:
// it lets go of them first. What holds them then is their kubelet.
func (s *simulation) withdraw(pods []*corev1.Pod) {
	for _, pod := range pods {
		if !ended(pod) && pod.DeletionTimestamp == nil {
			s.server.update(pod, func() { pod.Finalizers = []string{kubelet} })
			s.server.delete(pod, 30)
		}
	}
}

// deleteActive is what failing a Job does to its pods.
func (s *simulation) deleteActive(pods []*corev1.Pod) {
	for _, pod := range pods {
		if !ended(pod) {
			s.server.delete(pod, 30)
		}
	}
}

// concludeFailure says that the Job has failed, when none of its pods runs.
func (s *simulation) concludeFailure(job *batchv1.Job, pods []*corev1.Pod) {
	if s.count(job, pods) || slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return !ended(pod) }) {
		s.deleteActive(pods)
		return
	}
	if job.Status.StartTime == nil {
		return // The API server takes no verdict on a Job that is suspended.
	}
	s.server.update(job, func() { s.judge(job, batchv1.JobFailed, reasonOfTarget(job)) })
}

func reasonOfTarget(job *batchv1.Job) string {
	i := slices.IndexFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == batchv1.JobFailureTarget })
	return job.Status.Conditions[i].Reason
}

// count brings the Job's numbers up to date, and lets go of a pod that is
// counted. It reports whether there was something to write.
func (s *simulation) count(job *batchv1.Job, pods []*corev1.Pod) bool {
	version := job.ResourceVersion
	s.server.update(job, func() {
		suspended := ptr.Deref(job.Spec.Suspend, false)
		if job.Status.StartTime == nil && !suspended {
			job.Status.StartTime = new(s.server.now())
		}
		if suspended != jobHas(job, batchv1.JobSuspended) {
			s.suspend(job, suspended)
		}
		job.Status.Active = 0
		for _, pod := range pods {
			s.countPod(job, pod)
		}
	})
	for _, pod := range pods {
		if s.counted[pod.UID] {
			s.release([]*corev1.Pod{pod})
		}
	}
	return s.version(job) != version
}

// suspend notes that the Job was suspended or resumed, which begins it anew.
func (s *simulation) suspend(job *batchv1.Job, suspended bool) {
	job.Status.Conditions = slices.DeleteFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Type == batchv1.JobSuspended })
	job.Status.StartTime = nil
	if suspended {
		s.judge(job, batchv1.JobSuspended, "JobSuspended")
		return
	}
	job.Status.StartTime = new(s.server.now())
	s.judge(job, batchv1.JobSuspended, "JobResumed")
	job.Status.Conditions[len(job.Status.Conditions)-1].Status = corev1.ConditionFalse
}

func (s *simulation) countPod(job *batchv1.Job, pod *corev1.Pod) {
	switch {
	case !ended(pod):
		if pod.DeletionTimestamp == nil {
			job.Status.Active++
		}
	case s.counted[pod.UID], !slices.Contains(pod.Finalizers, jobTracking):
	case pod.Status.Phase == corev1.PodSucceeded:
		job.Status.Succeeded++
		s.counted[pod.UID] = true
	default:
		job.Status.Failed++
		s.counted[pod.UID] = true
		switch {
		case disruptedPod(pod):
		case pod.Status.Reason != "OutOfcpu" && failsJob(job):
			s.charged[job.UID] = 1000
		default:
			s.charged[job.UID]++
		}
	}
}

// failsJob reports whether the Job has a rule by which a program's failure is
// final.
func failsJob(job *batchv1.Job) bool {
	policy := job.Spec.PodFailurePolicy
	return policy != nil && slices.ContainsFunc(policy.Rules, func(rule batchv1.PodFailurePolicyRule) bool {
		return rule.Action == batchv1.PodFailurePolicyActionFailJob
	})
}

func (s *simulation) release(pods []*corev1.Pod) {
	for _, pod := range pods {
		if len(pod.Finalizers) > 0 && (ended(pod) || pod.DeletionTimestamp != nil) {
			s.server.update(pod, func() { pod.Finalizers = nil })
		}
	}
}

func (s *simulation) judge(job *batchv1.Job, kind batchv1.JobConditionType, reason string) {
	job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
		Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: s.server.now(),
	})
}

func (s *simulation) makePod(job *batchv1.Job) {
	truth := s.truth(job)
	truth.pods++
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: job.Namespace, Name: fmt.Sprintf("%s-%d", job.Name, truth.pods), Labels: job.Spec.Template.Labels,
			Finalizers:      []string{jobTracking},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
	}
	if err := s.server.create(pod); err != nil {
		s.t.Fatal(err)
	}
	s.server.update(pod, func() { pod.Status.Phase = corev1.PodPending })
}

// stepPod lets scheduler, kubelet and garbage collection do the next thing about
// a pod.
func (s *simulation) stepPod(pod *corev1.Pod) {
	s.collect(pod)
	switch {
	case ended(pod) && slices.Contains(pod.Finalizers, kubelet):
		s.server.update(pod, func() { pod.Finalizers = nil })
	case ended(pod):
	case s.lostNodes[pod.UID], pod.Spec.NodeName == "" && pod.DeletionTimestamp != nil:
		// Garbage collection: nobody else is going to.
		s.server.update(pod, func() { pod.Status.Phase = corev1.PodFailed })
	case pod.Spec.NodeName == "":
		s.schedule(pod)
	case pod.Status.Phase == corev1.PodPending:
		s.startPod(pod)
	case pod.Status.ContainerStatuses[0].State.Terminated != nil:
		s.endRest(pod)
	default:
		s.runPod(pod)
	}
}

// collect is garbage collection: a pod whose Job is gone goes, too, unless it
// has another owner. Nobody counts it any more.
func (s *simulation) collect(pod *corev1.Pod) {
	left := slices.DeleteFunc(slices.Clone(pod.OwnerReferences), func(o metav1.OwnerReference) bool {
		made, found := s.server.objects["Job"][o.Name].(*batchv1.Job)
		return o.Kind == "Job" && (!found || made.UID != o.UID)
	})
	if len(left) == len(pod.OwnerReferences) {
		return
	}
	if len(left) == 0 {
		s.server.delete(pod, 30)
	}
	s.server.update(pod, func() {
		pod.OwnerReferences = left
		if ended(pod) {
			pod.Finalizers = nil
		}
	})
}

func (s *simulation) schedule(pod *corev1.Pod) {
	s.server.update(pod, func() {
		if s.truth(pod).outcome == unschedulable {
			pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available",
			}}
			return
		}
		pod.Spec.NodeName = "node"
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: s.server.now()}}
		if !s.calm && !s.plain && pod.Labels[v1alpha1.JobLabel] != "" && s.truth(pod).refusals < 2 && chance(s.rng, 100) {
			s.note("the kubelet refuses pod %s", pod.Name)
			s.truth(pod).refusals++
			pod.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "OutOfcpu", Message: "Pod was rejected"}
		}
	})
}

func (s *simulation) startPod(pod *corev1.Pod) {
	s.server.update(pod, func() {
		state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.server.now()}}
		switch {
		case s.told(pod):
			s.markOverdue(pod)
			s.failPod(pod)
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse})
			state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
		case s.truth(pod).outcome == imagePull:
			state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}}
		default:
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue})
		}
		if pod.Status.StartTime == nil {
			pod.Status.StartTime = new(s.server.now())
		}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: state}}
	})
}

// runPod ends the program, by itself or because it was told to.
func (s *simulation) runPod(pod *corev1.Pod) {
	truth := s.truth(pod)
	code := truth.exitCode()
	switch {
	case s.told(pod):
		code = truth.onTerm
	case truth.outcome == hangs:
		return
	case truth.outcome == serves:
		truth.passed = true
		s.server.update(pod, func() {
			if !slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady }) {
				pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
			}
		})
		return
	default:
		truth.programs++
		truth.passed = truth.passed || (code == 0 && !disruptedPod(pod))
	}
	s.server.update(pod, func() {
		reason := "Completed"
		switch {
		case code == 137:
			reason = "OOMKilled"
		case code != 0:
			reason = "Error"
		}
		s.markOverdue(pod)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: reason, FinishedAt: s.server.now(), Message: leaves(pod),
		}}
	})
	if chance(s.rng, 300) {
		s.endPod(pod)
	}
}

// endPod says how the pod as a whole has ended.
func (s *simulation) endPod(pod *corev1.Pod) {
	s.server.update(pod, func() {
		switch {
		case s.stopped[pod.UID], s.evicted[pod.UID]:
			s.failPod(pod)
		case pod.Status.ContainerStatuses[0].State.Terminated.ExitCode == 0:
			pod.Status.Phase = corev1.PodSucceeded
		default:
			pod.Status.Phase = corev1.PodFailed
		}
		s.endKeeping(pod)
	})
}

// told reports whether the pod is to end.
func (s *simulation) told(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil || s.evicted[pod.UID] || s.overdue(pod)
}

// failPod is the kubelet's verdict, whatever the containers have ended with.
func (s *simulation) failPod(pod *corev1.Pod) {
	pod.Status.Phase = corev1.PodFailed
	switch {
	case s.stopped[pod.UID]:
		pod.Status.Reason = "DeadlineExceeded"
	case s.evicted[pod.UID]:
		pod.Status.Reason, pod.Status.Message = "Evicted", "The node was low on resource: memory."
	}
}

func (s *simulation) overdue(pod *corev1.Pod) bool {
	deadline, start := pod.Spec.ActiveDeadlineSeconds, pod.Status.StartTime
	return deadline != nil && start != nil && s.clock.Since(start.Time) >= seconds(*deadline)
}

// markOverdue remembers that it was the deadline that has ended the pod.
func (s *simulation) markOverdue(pod *corev1.Pod) {
	if s.overdue(pod) {
		s.stopped[pod.UID] = true
	}
}

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func jobHas(job *batchv1.Job, kind batchv1.JobConditionType) bool {
	for i := range job.Status.Conditions {
		if c := &job.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

func disruptedPod(pod *corev1.Pod) bool {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.DisruptionTarget {
			return true
		}
	}
	return false
}
