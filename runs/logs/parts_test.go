package logs

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// podOf a job of a Run, the older the lower the second.
func podOf(run, job string, second int, edits ...func(*corev1.Pod)) corev1.Pod {
	name := fmt.Sprintf("%s-%s-%d", run, job, second)
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: "uid-a", CreationTimestamp: metav1.NewTime(started().Add(time.Duration(second) * time.Second)),
			Labels:          map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: job},
			OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Name: run + "-" + job, Controller: new(true)}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
	for _, edit := range edits {
		edit(&pod)
	}
	return pod
}

func index(i string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{batchv1.JobCompletionIndexAnnotation: i}
	}
}

// TestParts: each log is found, and what there is none of is told.
func TestParts(t *testing.T) {
	t.Parallel()
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "two"}, Status: v1alpha1.RunStatus{
		Jobs: []v1alpha1.JobStatus{
			{Name: "reused", Phase: v1alpha1.JobSucceeded, Job: "one-reused", ReusedFrom: "one"},
			{Name: "retried", Phase: v1alpha1.JobFailed, Job: "two-retried", Attempts: 3},
			{Name: "many", Phase: v1alpha1.JobRunning, Job: "two-many"},
			{Name: "lost", Phase: v1alpha1.JobSucceeded, Job: "two-lost"},
			{Name: "skipped", Phase: v1alpha1.JobSkipped},
			{Name: "waiting", Phase: v1alpha1.JobWaiting},
		},
		Services: []v1alpha1.ServiceStatus{{Name: "db", Phase: v1alpha1.ServiceFailed, Job: "two-db"}},
	}}
	service := podOf("two", "db", 1, func(pod *corev1.Pod) {
		pod.Labels = map[string]string{v1alpha1.RunLabel: "two", v1alpha1.ServiceLabel: "db"}
		pod.Spec.InitContainers = []corev1.Container{{Name: "clone"}, {Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	})
	pods := []corev1.Pod{
		podOf("two", "retried", 9), podOf("two", "retried", 5), podOf("one", "reused", 1), podOf("two", "reused", 1), service,
		podOf("two", "many", 1, index("0")), podOf("two", "many", 1, index("1")), podOf("two", "many", 2, index("0")),
		podOf("two", "lost", 1, func(pod *corev1.Pod) { pod.OwnerReferences = nil }),
		podOf("two", "lost", 2, func(pod *corev1.Pod) { pod.OwnerReferences[0].Name = "another" }),
	}
	at := func(part, pod string, attempt int) Container {
		return Container{Job: part, Attempt: attempt, Namespace: "ci", Pod: pod, UID: "uid-a", Name: "main", Of: 1}
	}
	many := func(pod, index string, attempt int) Container {
		c := at("many", pod, attempt)
		c.Index = index
		return c
	}
	db := func(name string, init, sidecar bool) Container {
		return Container{Service: "db", Attempt: 1, Namespace: "ci", Pod: "two-db-1", UID: "uid-a", Name: name, Of: 3, Init: init, Sidecar: sidecar}
	}
	want := []Part{
		{Name: "reused", Containers: []Container{at("reused", "one-reused-1", 1)}},
		{
			Name: "retried", Failed: true, Containers: []Container{at("retried", "two-retried-5", 2), at("retried", "two-retried-9", 3)},
			Missing: []string{"the pods of attempt 1 are gone, and their logs with them"},
		},
		{Name: "many", Containers: []Container{many("two-many-1", "0", 1), many("two-many-1", "1", 1), many("two-many-2", "0", 2)}},
		{Name: "lost", Missing: []string{"its pod is gone, and its log with it"}},
		{Name: "skipped", Missing: []string{"it never started"}},
		{Name: "waiting", Missing: []string{"it hasn't started yet"}},
		{Name: "db", Service: true, Failed: true, Containers: []Container{db("clone", true, false), db("proxy", false, true), db("main", false, false)}},
	}
	if diff := cmp.Diff(want, Parts(run, pods)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := selector(run); got != "kayci.dev/run in (two,one)" {
		t.Errorf("pods are selected by %s", got)
	}
}
