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
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// sharing gives the Pipeline's Runs a workspace at /shared.
func sharing(p *v1alpha1.Pipeline) *v1alpha1.Pipeline {
	p.Spec.Workspace = &v1alpha1.Workspace{MountPath: "/shared"}
	p.Spec.Workspace.VolumeClaimTemplate.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Mi")}
	return p
}

// A volume that isn't retained goes when the Run has ended, and its log stays.
func TestWorkspaceThatIsNotRetained(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	p := sharing(s.pipeline("brief", script("writes", "echo made > /shared/file"), script("reads", "cat /shared/file", "writes")))
	p.Spec.Workspace.Retain = new(false)
	s.create(t, p)
	s.start(t, "w", "brief")
	s.awaitEnd(t, "w", v1alpha1.RunSucceeded)
	s.awaitGone(t, "the claim", &corev1.PersistentVolumeClaimList{})
	s.await(t, "the Run says so", func(ctx context.Context) (bool, string, error) {
		var run v1alpha1.Run
		err := s.Client.Get(ctx, s.key("w"), &run)
		return run.Status.Workspace == v1alpha1.WorkspaceDeleted, string(run.Status.Workspace), err
	})
	if diff := cmp.Diff("made\n", s.log(t, "w", "reads", "main")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// A node is drained in the middle of a Run, and comes back. It isn't parallel:
// nothing else can start meanwhile.
func TestDrainInTheMiddleOfAWorkspace(t *testing.T) {
	s := newSpace(t)
	s.create(t, sharing(s.pipeline("drained",
		script("writes", "echo first >> /shared/log"),
		script("held", "echo begun >> /shared/log; "+s.through("held")+"; echo ended >> /shared/log", "writes"),
		script("reads", "cat /shared/log", "held"))))
	s.start(t, "w", "drained")
	s.awaitArrival(t, "held")
	evicted := s.pod(t, "w", "held")

	s.cordon(t, evicted.Spec.NodeName)
	eviction := &policyv1.Eviction{ObjectMeta: s.meta(evicted.Name)}
	if err := s.Clientset.PolicyV1().Evictions(s.namespace).Evict(s.ctx, eviction); err != nil {
		t.Fatal(err)
	}
	s.awaitReason(t, "w", "held", "Unschedulable")
	s.uncordon(t, evicted.Spec.NodeName)
	s.await(t, "a second pod at the gate", func(context.Context) (bool, string, error) {
		n := s.arrivals("held")
		return n == 2, fmt.Sprintf("%d have come", n), nil
	})
	s.openGate("held")
	run := s.awaitEnd(t, "w", v1alpha1.RunSucceeded)
	if diff := cmp.Diff([]string{"writes=Succeeded", "held=Succeeded", "reads=Succeeded"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("first\nbegun\nbegun\nended\n", s.log(t, "w", "reads", "main")); diff != "" {
		t.Errorf("what the volume holds (-want +got):\n%s", diff)
	}
}

// cordon keeps pods off the node until uncordon, or at the latest until the test
// has ended, however it does.
func (s *space) cordon(t *testing.T, node string) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Minute)
		defer cancel()
		if err := s.setUnschedulable(ctx, node, false); err != nil {
			t.Error(err)
		}
	})
	if err := s.setUnschedulable(s.ctx, node, true); err != nil {
		t.Fatal(err)
	}
}

func (s *space) uncordon(t *testing.T, node string) {
	t.Helper()
	if err := s.setUnschedulable(s.ctx, node, false); err != nil {
		t.Fatal(err)
	}
}

func (s *space) setUnschedulable(ctx context.Context, node string, unschedulable bool) error {
	patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, unschedulable)
	object := &corev1.Node{}
	object.Name = node
	return s.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
}

// awaitReason returns the job's message once it shows the reason.
func (s *space) awaitReason(t *testing.T, run, job, reason string) string {
	t.Helper()
	var message string
	s.await(t, fmt.Sprintf("job %s of Run %s to show %s", job, run, reason), func(ctx context.Context) (bool, string, error) {
		found := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key(run), found); err != nil {
			return false, "", cluster.Retry(err)
		}
		for _, status := range found.Status.Jobs {
			if status.Name == job && status.Reason == reason {
				message = status.Message
				return true, "", nil
			}
		}
		return false, fmt.Sprint(found.Status.Phase, phases(found)), nil
	})
	return message
}

// The scheduler says only that the claim isn't bound. The job says why, while it
// waits and when it has waited for too long.
func TestWorkspaceOfAnUnknownClass(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	p := sharing(s.pipeline("lost", script("waits", "true"), script("later", "true", "waits")))
	p.Spec.Workspace.VolumeClaimTemplate.Spec.StorageClassName = new("no-such-class")
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Second}
	s.create(t, p)
	s.start(t, "u", "lost")
	if message := s.awaitReason(t, "u", "waits", "WorkspacePending"); !strings.Contains(message, `"no-such-class" not found`) {
		t.Errorf("the job says %q", message)
	}
	run := s.awaitEnd(t, "u", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"waits=Failed/WorkspacePending", "later=Skipped/NeedsFailed"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if message := run.Status.Jobs[0].Message; !strings.Contains(message, `"no-such-class" not found`) {
		t.Errorf("the job has failed with %q", message)
	}
}
