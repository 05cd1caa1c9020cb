package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/test/cluster"
)

// Not parallel: while the controller is gone no other test can go on.
func TestKillingTheControllerChangesNothing(t *testing.T) {
	s := newSpace(t)
	names := []string{"one", "two", "three", "four"}
	var jobs []v1alpha1.Job
	for i, name := range names {
		needs := names[:i]
		jobs = append(jobs, script(name, s.through(name), needs[max(0, len(needs)-1):]...))
	}
	s.create(t, s.pipeline("chain", jobs...))
	s.start(t, "k", "chain")
	seen := map[string]types.UID{}

	s.awaitArrival(t, "one")
	s.remember(t, seen)
	s.killProcesses(t)
	s.openGate("one") // it ends while nobody looks
	s.awaitArrival(t, "two")
	s.remember(t, seen)
	s.killPods(t)
	s.openGate("two")
	s.awaitArrival(t, "three")
	s.remember(t, seen)
	s.openGate("three", "four")
	run := s.awaitEnd(t, "k", v1alpha1.RunSucceeded)
	s.remember(t, seen)

	if diff := cmp.Diff([]string{"one=Succeeded", "two=Succeeded", "three=Succeeded", "four=Succeeded"}, phases(run)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	starts := map[string]int{}
	for _, name := range names {
		starts[name] = s.arrivals(name)
	}
	if diff := cmp.Diff(map[string]int{"one": 1, "two": 1, "three": 1, "four": 1}, starts); diff != "" {
		t.Errorf("containers that started (-want +got):\n%s", diff)
	}
	if pods := s.pods(t, "k"); len(pods) != len(names) {
		t.Errorf("the Run has %d pods, want %d", len(pods), len(names))
	}
	if err := s.AwaitRollout(s.ctx); err != nil {
		t.Fatal(err)
	}
}

// remember fails the test if a Job isn't the one that was there before.
func (s *space) remember(t *testing.T, seen map[string]types.UID) {
	t.Helper()
	now := s.jobs(t, "k")
	for name, uid := range seen {
		if job, found := now[name]; !found || job.UID != uid {
			t.Errorf("the Job of %s was %s and is %q", name, uid, job.UID)
		}
	}
	for name, job := range now {
		seen[name] = job.UID
	}
}

// killPods deletes every replica without asking it to end.
func (s *space) killPods(t *testing.T) {
	t.Helper()
	pods, err := s.Replicas(s.ctx)
	if err != nil || len(pods) == 0 {
		t.Fatalf("replicas: %d, %v", len(pods), err)
	}
	for i := range pods {
		if err := s.Client.Delete(s.ctx, &pods[i], client.GracePeriodSeconds(0)); err != nil {
			t.Fatal(err)
		}
	}
}

// killProcesses kills the controller in each of its containers, which their
// kubelet then starts again. It takes a cluster on this machine.
func (s *space) killProcesses(t *testing.T) {
	t.Helper()
	if s.Kubeconfig == "" {
		t.Log("the processes of this cluster can't be killed from here: its pods are deleted once more")
		s.killPods(t)
		return
	}
	pods, err := s.Replicas(s.ctx)
	if err != nil || len(pods) == 0 {
		t.Fatalf("replicas: %d, %v", len(pods), err)
	}
	for i := range pods {
		killed, err := killContainer(&pods[i])
		if err != nil || killed == 0 {
			t.Fatalf("kill the processes of pod %s: %d killed, %v", pods[i].Name, killed, err)
		}
	}
	for i := range pods {
		s.await(t, "pod "+pods[i].Name+" to be restarted", func(ctx context.Context) (bool, string, error) {
			var pod corev1.Pod
			if err := s.Client.Get(ctx, client.ObjectKeyFromObject(&pods[i]), &pod); err != nil {
				return false, "", cluster.Retry(err)
			}
			status := pod.Status.ContainerStatuses[0]
			return status.RestartCount > pods[i].Status.ContainerStatuses[0].RestartCount, fmt.Sprintf("%+v", status.State), nil
		})
	}
}

// killContainer finds the pod's own processes by its control group, so that no
// other process can be meant.
func killContainer(pod *corev1.Pod) (killed int, err error) {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	container := pod.Status.ContainerStatuses[0].ContainerID
	_, id, _ := strings.Cut(container, "://")
	for _, process := range processes {
		groups, err := os.ReadFile(filepath.Join(process, "cgroup"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return killed, err
		}
		if id == "" || !bytes.Contains(groups, []byte(id)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil {
			return killed, err
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return killed, err
		}
		killed++
	}
	return killed, nil
}
