package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// An eviction is neither a pass nor a failure: the job runs again, although it
// has no retries.
func TestAnEvictedPodIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("drained", script("held", s.through("held")), script("after", "true", "held")))
	s.start(t, "e", "drained")
	s.awaitArrival(t, "held")
	s.evict(t, "e", "held")
	s.awaitPhases(t, "e", "held=Running/Disrupted", "after=Waiting/AwaitingNeeds")
	s.awaitArrivals(t, "held", 2)
	s.awaitPhases(t, "e", "held=Running", "after=Waiting/AwaitingNeeds")
	s.openGate("held")
	run := s.awaitEnd(t, "e", v1alpha1.RunSucceeded)
	if diff := cmp.Diff([]string{"held=Succeeded", "after=Succeeded"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if held := run.Status.Jobs[0]; held.Attempts != 2 || held.Disruptions != 1 {
		t.Errorf("%d attempts and %d disruptions, want 2 and 1", held.Attempts, held.Disruptions)
	}
}

// Evictions cost none of the retries that the template asks for, also beside
// rules of its own.
func TestEvictionsCostNoRetry(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	job := script("flaky", s.through("first")+`
`+s.through("second")+`
exit 1`)
	job.Template.Spec.BackoffLimit = new(int32(1))
	job.Template.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
		Action:      batchv1.PodFailurePolicyActionFailJob,
		OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{42}},
	}}}
	s.create(t, s.pipeline("flaky", job))
	s.start(t, "f", "flaky")
	for evictions := range 2 {
		s.awaitArrivals(t, "first", evictions+1)
		s.evict(t, "f", "flaky")
	}
	s.awaitArrivals(t, "first", 3)
	s.openGate("first", "second")
	run := s.awaitEnd(t, "f", v1alpha1.RunFailed)
	// Two that were evicted, one that failed, and its retry.
	if flaky := run.Status.Jobs[0]; flaky.Attempts != 4 || flaky.Disruptions != 2 || flaky.Reason != "Error" {
		t.Errorf("%d attempts, %d disruptions and %s; want 4, 2 and Error", flaky.Attempts, flaky.Disruptions, flaky.Reason)
	}
}

// evict drains the one pod of a job from its node that isn't going already.
func (s *space) evict(t *testing.T, run, job string) {
	t.Helper()
	pods := slices.DeleteFunc(s.pods(t, run), func(pod corev1.Pod) bool {
		return pod.Labels[v1alpha1.JobLabel] != job || pod.DeletionTimestamp != nil
	})
	if len(pods) != 1 {
		t.Fatalf("job %s of Run %s has %d pods, want one", job, run, len(pods))
	}
	if err := s.Clientset.PolicyV1().Evictions(s.namespace).Evict(s.ctx, &policyv1.Eviction{ObjectMeta: s.meta(pods[0].Name)}); err != nil {
		t.Fatal(err)
	}
}

func (s *space) awaitArrivals(t *testing.T, gate string, want int) {
	t.Helper()
	s.await(t, fmt.Sprintf("%d containers at the gate %s", want, gate), func(context.Context) (bool, string, error) {
		n := s.arrivals(gate)
		return n >= want, fmt.Sprintf("%d have come", n), nil
	})
}

// A pod that somebody deletes by hand fails its job, and the reason says so.
func TestADeletedPodFailsItsJobWithAReason(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("deleted", script("held", s.through("held"))))
	s.start(t, "d", "deleted")
	s.awaitArrival(t, "held")
	pod := s.pod(t, "d", "held")
	if err := s.Client.Delete(s.ctx, &pod); err != nil {
		t.Fatal(err)
	}
	run := s.awaitEnd(t, "d", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"held=Failed/PodDeleted"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// A kubelet may refuse a pod that was scheduled to its node: nothing has run,
// and it costs nothing. Here somebody else's pod has taken the node's room
// meanwhile.
func TestAPodThatTheKubeletRefusesIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	node := s.node(t)
	most := node.Status.Allocatable.Cpu().DeepCopy()
	most.SetMilli(most.MilliValue() * 6 / 10)
	large := corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: most}}
	job := pod(script("large", "true"), func(p *corev1.PodSpec) {
		p.SchedulerName, p.Containers[0].Resources = "the-test", large
	})
	s.create(t, s.pipeline("crowded", job))
	other := &corev1.Pod{ObjectMeta: s.meta("other"), Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(0)),
		Containers:                    []corev1.Container{{Name: "main", Image: busybox, Command: []string{"sleep", "3600"}, Resources: large}},
	}}
	s.create(t, other)
	s.await(t, "the other pod to run", func(ctx context.Context) (bool, string, error) {
		if err := s.Client.Get(ctx, s.key("other"), other); err != nil {
			return false, "", cluster.Retry(err)
		}
		return other.Status.Phase == corev1.PodRunning, string(other.Status.Phase), nil
	})
	s.start(t, "r", "crowded")
	s.schedule(t, "r", node.Name)
	s.awaitPhases(t, "r", "large=Running/Disrupted")
	if err := s.Client.Delete(s.ctx, other); err != nil {
		t.Fatal(err)
	}
	s.awaitGone(t, "the other pod", &corev1.PodList{}, client.MatchingFields{"metadata.name": "other"})
	s.schedule(t, "r", node.Name)
	run := s.awaitEnd(t, "r", v1alpha1.RunSucceeded)
	if large := run.Status.Jobs[0]; large.Attempts != 2 || large.Disruptions != 1 {
		t.Errorf("%d attempts and %d disruptions, want 2 and 1", large.Attempts, large.Disruptions)
	}
}

func (s *space) node(t *testing.T) *corev1.Node {
	t.Helper()
	nodes, err := s.Clientset.CoreV1().Nodes().List(s.ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 {
		t.Fatalf("%d nodes: %v", len(nodes.Items), err)
	}
	return &nodes.Items[0]
}

// schedule gives the Run's pod that has no node to this one.
func (s *space) schedule(t *testing.T, run, node string) {
	t.Helper()
	s.await(t, "a pod to schedule", func(ctx context.Context) (bool, string, error) {
		for _, pod := range s.pods(t, run) {
			if pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil {
				binding := &corev1.Binding{ObjectMeta: s.meta(pod.Name), Target: corev1.ObjectReference{Kind: "Node", Name: node}}
				return true, "", s.Clientset.CoreV1().Pods(s.namespace).Bind(ctx, binding, metav1.CreateOptions{})
			}
		}
		return false, "there is none", nil
	})
}
