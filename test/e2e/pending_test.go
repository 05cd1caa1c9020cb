package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// pod changes the pod's spec of a job.
func pod(job v1alpha1.Job, change func(*corev1.PodSpec)) v1alpha1.Job {
	change(&job.Template.Spec.Template.Spec)
	return job
}

// unable are jobs that can't start, or can't go on, each for another reason. No
// registry listens on the image's port.
func unable() []v1alpha1.Job {
	absent := corev1.LocalObjectReference{Name: "absent"}
	return []v1alpha1.Job{
		pod(script("image", "true"), func(p *corev1.PodSpec) { p.Containers[0].Image = "127.0.0.1:1/none:1" }),
		pod(script("env", "true"), func(p *corev1.PodSpec) {
			p.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: absent}}}
		}),
		pod(script("mount", "true"), func(p *corev1.PodSpec) {
			p.Volumes = []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: absent.Name}}}}
			p.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "s", MountPath: "/s"}}
		}),
		pod(script("node", "true"), func(p *corev1.PodSpec) { p.NodeSelector = map[string]string{"such": "none"} }),
		pod(script("memory", "tail /dev/zero"), func(p *corev1.PodSpec) {
			p.Containers[0].Command = []string{"tail", "/dev/zero"}
			p.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("24Mi")}
		}),
		pod(script("refused", "true"), func(p *corev1.PodSpec) {
			p.Containers[0].Resources = corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")},
				Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
			}
		}),
	}
}

// Whatever keeps a pod from starting shows in the Run while it waits, and is
// what the job has failed with after the pendingTimeout.
func TestPodsThatCannotStartSayWhy(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	p := s.pipeline("unable", unable()...)
	p.Spec.PendingTimeout = &metav1.Duration{Duration: time.Minute}
	s.create(t, p)
	s.start(t, "u", "unable")
	s.awaitPhases(t, "u",
		"image=Running/ImagePullBackOff", "env=Running/CreateContainerConfigError", "mount=Running/FailedMount",
		"node=Running/Unschedulable", "memory=Failed/OOMKilled", "refused=Failed/Rejected")
	run := s.awaitEnd(t, "u", v1alpha1.RunFailed)
	want := []string{
		"image=Failed/ImagePullBackOff", "env=Failed/CreateContainerConfigError", "mount=Failed/FailedMount",
		"node=Failed/Unschedulable", "memory=Failed/OOMKilled", "refused=Failed/Rejected",
	}
	if diff := cmp.Diff(want, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	for name, texts := range map[string][]string{
		"image": {"container main: can't pull image 127.0.0.1:1/none:1: ", "connection refused"},
		"env":   {`container main: secret "absent" not found`},
		"mount": {"MountVolume.SetUp failed", `secret "absent" not found`},
		"node":  {"didn't match Pod's node affinity/selector"},
	} {
		message := messageOf(run, name)
		for _, text := range append(texts, " (pending for 1m)") {
			if !strings.Contains(message, text) {
				t.Errorf("job %s says %q, which doesn't contain %q", name, message, text)
			}
		}
	}
	if message := messageOf(run, "refused"); !strings.Contains(message, "must be less than or equal to cpu limit") {
		t.Errorf("the refused job says %q", message)
	}
	if message := run.Status.Conditions[0].Message; !strings.HasPrefix(message, "job image failed: ImagePullBackOff: container main: can't pull image") {
		t.Errorf("the Run says %q", message)
	}

	// Nothing goes on behind the Run's back, and the pod that a node had is kept.
	s.await(t, "the Jobs to be over", func(context.Context) (bool, string, error) {
		var open []string
		for name, job := range s.jobs(t, "u") {
			over := slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool { return c.Status == corev1.ConditionTrue })
			if !over {
				open = append(open, name)
			}
		}
		slices.Sort(open)
		// The kubelet tries for minutes to mount a volume before it looks at the pod again.
		open = slices.DeleteFunc(open, func(name string) bool { return name == "mount" })
		return len(open) == 0, fmt.Sprint(open), nil
	})
	if kept := s.pod(t, "u", "image"); kept.Status.Phase != corev1.PodFailed || kept.DeletionTimestamp != nil {
		t.Errorf("the pod that could not pull its image is %s, being deleted: %v; want Failed and kept", kept.Status.Phase, kept.DeletionTimestamp)
	}
}

// What was missing is created while the job waits.
func TestAPodStartsOnceItsSecretIsThere(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, s.pipeline("late", unable()[1]))
	s.start(t, "l", "late")
	s.awaitPhases(t, "l", "env=Running/CreateContainerConfigError")
	s.create(t, s.secret("absent", map[string]string{"A": "b"}))
	s.awaitEnd(t, "l", v1alpha1.RunSucceeded)
}

// Pod Security lets the Job in and refuses its pods.
func TestPodsThatPodSecurityRefuses(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	patch(t, &space{Cluster: s.Cluster, ctx: s.ctx}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}, func(ns *corev1.Namespace) {
		metav1.SetMetaDataLabel(&ns.ObjectMeta, "pod-security.kubernetes.io/enforce", "restricted")
	})
	p := s.pipeline("insecure", script("root", "true"))
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Second}
	s.create(t, p)
	s.start(t, "p", "insecure")
	s.awaitPhases(t, "p", "root=Running/FailedCreate")
	run := s.awaitEnd(t, "p", v1alpha1.RunFailed)
	message := messageOf(run, "root")
	for _, text := range []string{`violates PodSecurity "restricted:latest"`, "runAsNonRoot", " (pending for 10s)"} {
		if !strings.Contains(message, text) {
			t.Errorf("the job says %q, which doesn't contain %q", message, text)
		}
	}
}

func TestNoRoomForAJob(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.create(t, &corev1.ResourceQuota{ObjectMeta: s.meta("none"), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{"count/jobs.batch": resource.MustParse("0")},
	}})
	s.await(t, "the quota to be in force", func(ctx context.Context) (bool, string, error) {
		var quota corev1.ResourceQuota
		if err := s.Client.Get(ctx, s.key("none"), &quota); err != nil {
			return false, "", cluster.Retry(err)
		}
		return len(quota.Status.Hard) > 0, "it isn't", nil
	})
	p := s.pipeline("crowd", script("one", "true"), script("two", "true", "one"))
	p.Spec.PendingTimeout = &metav1.Duration{Duration: 10 * time.Second}
	s.create(t, p)
	s.start(t, "q", "crowd")
	s.awaitPhases(t, "q", "one=Waiting/QuotaExceeded", "two=Waiting/AwaitingNeeds")
	run := s.awaitEnd(t, "q", v1alpha1.RunFailed)
	if diff := cmp.Diff([]string{"one=Failed/QuotaExceeded", "two=Skipped/NeedsFailed"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// awaitPhases waits until the jobs stand as said, in words of phases.
func (s *space) awaitPhases(t *testing.T, name string, want ...string) {
	t.Helper()
	s.await(t, strings.Join(want, ", "), func(ctx context.Context) (bool, string, error) {
		run := &v1alpha1.Run{}
		if err := s.Client.Get(ctx, s.key(name), run); err != nil {
			return false, "", cluster.Retry(err)
		}
		return slices.Equal(phases(run), want), fmt.Sprint(phases(run)), nil
	})
}

func messageOf(run *v1alpha1.Run, job string) string {
	for i := range run.Status.Jobs {
		if run.Status.Jobs[i].Name == job {
			return run.Status.Jobs[i].Message
		}
	}
	return ""
}
