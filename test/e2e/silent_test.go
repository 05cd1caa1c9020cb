package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// A Job that no controller takes up, because its template leaves it to one that
// isn't there, says so, and the pendingTimeout ends it.
func TestAJobThatNobodyTakesUp(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	job := script("left", "true")
	job.Template.Spec.ManagedBy = new("example.com/nobody")
	p := s.pipeline("left", job)
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 5 * time.Second}
	s.create(t, p)
	s.start(t, "n", "left")
	run := s.awaitEnd(t, "n", v1alpha1.RunFailed)
	want := "no controller has taken up its Job, which its template's managedBy leaves to example.com/nobody (pending for 5s)"
	if got := messageOf(run, "left"); got != want {
		t.Errorf("the job says %q, want %q", got, want)
	}
	s.await(t, "the Job to be gone", func(context.Context) (bool, string, error) {
		jobs := s.jobs(t, "n")
		return len(jobs) == 0, fmt.Sprint(len(jobs)), nil
	})
}

// silentNode makes a node that no kubelet serves. Only who names it gets there.
func (s *space) silentNode(t *testing.T) string {
	t.Helper()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "zz-silent-" + s.namespace},
		Spec:       corev1.NodeSpec{Unschedulable: true},
	}
	if err := s.Client.Create(s.ctx, node); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Its pods go with it.
		if err := s.Client.Delete(context.WithoutCancel(s.ctx), node); err != nil {
			t.Error(err)
		}
	})
	return node.Name
}

// A pod that is evicted from a node that doesn't answer stays, and no other takes
// its place, because it may run. The job says so, and ends.
func TestAPodOnASilentNodeIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	node := s.silentNode(t)
	job := pod(script("stuck", "true"), func(p *corev1.PodSpec) {
		p.NodeName, p.TerminationGracePeriodSeconds = node, new(int64(1))
	})
	p := s.pipeline("silent", job)
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 45 * time.Second}
	s.create(t, p)
	s.start(t, "s", "silent")
	s.await(t, "a pod", func(context.Context) (bool, string, error) {
		pods := s.pods(t, "s")
		return len(pods) == 1, fmt.Sprint(len(pods)), nil
	})
	name := s.pods(t, "s")[0].Name
	if err := s.Clientset.PolicyV1().Evictions(s.namespace).Evict(s.ctx, &policyv1.Eviction{ObjectMeta: s.meta(name)}); err != nil {
		t.Fatal(err)
	}
	s.await(t, "advice on the node", func(context.Context) (bool, string, error) {
		var run v1alpha1.Run
		s.get(t, "s", &run)
		message := messageOf(&run, "stuck")
		return strings.Contains(message, "kubectl delete node "+node), message, nil
	})
	run := s.awaitEnd(t, "s", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"stuck=Failed/NodeSilent"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	message := messageOf(run, "stuck")
	for _, text := range []string{"pod " + name + " was to end by ", "its node hasn't said that it has; it may still run (pending for 45s)"} {
		if !strings.Contains(message, text) {
			t.Errorf("the job says %q, which doesn't contain %q", message, text)
		}
	}
	if pods := s.pods(t, "s"); len(pods) != 1 || pods[0].Name != name {
		t.Errorf("%d pods are there, want the one", len(pods))
	}
}

// Once it is known that the node is out of service, the pod is replaced, at no cost
// to the job.
func TestAPodOfANodeOutOfServiceIsReplaced(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	silent := s.silentNode(t)
	s.create(t, s.pipeline("moved", pod(script("moved", "true"), func(p *corev1.PodSpec) {
		p.SchedulerName, p.TerminationGracePeriodSeconds = "the-test", new(int64(1))
	})))
	s.start(t, "m", "moved")
	s.schedule(t, "m", silent)
	s.evict(t, "m", "moved")
	s.awaitPhases(t, "m", "moved=Running/NodeSilent")
	node := &corev1.Node{}
	if err := s.Client.Get(s.ctx, client.ObjectKey{Name: silent}, node); err != nil {
		t.Fatal(err)
	}
	before := client.MergeFrom(node.DeepCopy())
	node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute})
	if err := s.Client.Patch(s.ctx, node, before); err != nil {
		t.Fatal(err)
	}
	s.schedule(t, "m", s.node(t).Name)
	run := s.awaitEnd(t, "m", v1alpha1.RunSucceeded)
	if moved := run.Status.Jobs[0]; moved.Attempts != 2 || moved.Disruptions != 1 {
		t.Errorf("%d attempts and %d disruptions, want 2 and 1", moved.Attempts, moved.Disruptions)
	}
}
