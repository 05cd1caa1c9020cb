package logs

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// podOf a job of a Run, the older the lower the second.
func podOf(run, job string, second int, edits ...func(*corev1.Pod)) corev1.Pod {
	name := fmt.Sprintf("%s-%s-%d", run, job, second)
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ci", Name: name, UID: "uid-a", ResourceVersion: "1", CreationTimestamp: metav1.NewTime(started().Add(time.Duration(second) * time.Second)),
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
		index("0")(pod)
		pod.Spec.InitContainers = []corev1.Container{{Name: "clone"}, {Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
	})
	pods := []corev1.Pod{
		podOf("two", "retried", 9, index("../x")), podOf("two", "retried", 5), podOf("one", "reused", 1), podOf("two", "reused", 1), service,
		podOf("two", "many", 1, index("0")), podOf("two", "many", 1, index("1")), podOf("two", "many", 2, index("0")),
		podOf("two", "lost", 1, func(pod *corev1.Pod) { pod.OwnerReferences = nil }),
		podOf("two", "lost", 2, func(pod *corev1.Pod) { pod.OwnerReferences[0].Name = "another" }),
	}
	at := func(part, pod string, attempt int) Container {
		return Container{Job: part, Attempt: attempt, Namespace: "ci", Pod: pod, Run: pod[:3], UID: "uid-a", Name: "main", Of: 1}
	}
	many := func(pod, index string, attempt int) Container {
		c := at("many", pod, attempt)
		c.Index = index
		return c
	}
	db := func(name string, init, sidecar bool) Container {
		return Container{Service: "db", Attempt: 1, Namespace: "ci", Pod: "two-db-1", Run: "two", UID: "uid-a", Name: name, Of: 3, Init: init, Sidecar: sidecar}
	}
	want := []Part{
		{Name: "reused", Begun: true, Containers: []Container{at("reused", "one-reused-1", 1)}},
		{
			Name: "retried", Failed: true, Begun: true, Containers: []Container{at("retried", "two-retried-5", 2), at("retried", "two-retried-9", 3)},
			Missing: []string{"the pods of attempt 1 are gone, and their logs with them"},
		},
		{Name: "many", Begun: true, Containers: []Container{many("two-many-1", "0", 1), many("two-many-1", "1", 1), many("two-many-2", "0", 2)}},
		{Name: "lost", Begun: true, Missing: []string{"its pod is gone, and its log with it"}},
		{Name: "skipped", Missing: []string{"it never started"}},
		{Name: "waiting", Missing: []string{"it hasn't started yet"}},
		{Name: "db", Service: true, Failed: true, Begun: true, Containers: []Container{db("clone", true, false), db("proxy", false, true), db("main", false, false)}},
	}
	if diff := cmp.Diff(want, Parts(run, pods)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := selector(run); got != "kayci.dev/run in (two,one)" {
		t.Errorf("pods are selected by %s", got)
	}
}

// TestFilter: what is asked for by name is shown and told of; else each job is, and a
// service that has failed.
func TestFilter(t *testing.T) {
	t.Parallel()
	containers := []Container{{Name: "clone", Attempt: 1}, {Name: "main", Attempt: 1}, {Name: "main", Attempt: 2}}
	job := Part{Name: "build", Begun: true, Containers: containers, Missing: []string{"gone"}}
	waiting := Part{Name: "waits", Missing: []string{"not yet"}}
	broken := Part{Name: "db", Service: true, Failed: true, Begun: true, Containers: containers[:1]}
	service := Part{Name: "db", Service: true, Begun: true, Containers: containers[:1]}
	type shown struct {
		Containers []Container
		Missing    []string
	}
	for name, tt := range map[string]struct {
		filter Filter
		part   Part
		want   shown
	}{
		"a job":              {Filter{}, job, shown{containers, job.Missing}},
		"a waiting job":      {Filter{}, waiting, shown{}},
		"one that is named":  {Filter{Parts: []string{"waits"}}, waiting, shown{nil, waiting.Missing}},
		"another is named":   {Filter{Parts: []string{"waits"}}, job, shown{}},
		"a service":          {Filter{}, service, shown{}},
		"a failed service":   {Filter{}, broken, shown{broken.Containers, nil}},
		"a named service":    {Filter{Parts: []string{"db"}}, service, shown{service.Containers, nil}},
		"only what failed":   {Filter{Failed: true}, job, shown{}},
		"and this has":       {Filter{Failed: true}, broken, shown{broken.Containers, nil}},
		"one container":      {Filter{Container: "main"}, job, shown{containers[1:], job.Missing}},
		"one attempt":        {Filter{Attempt: 2}, job, shown{containers[2:], nil}},
		"a lost attempt":     {Filter{Attempt: 3}, job, shown{nil, job.Missing}},
		"one of one attempt": {Filter{Attempt: 1, Container: "main"}, job, shown{containers[1:2], nil}},
	} {
		if diff := cmp.Diff(tt.want, shown{tt.filter.Of(&tt.part), tt.filter.Missing(&tt.part)}); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

// TestKeptParts: of a Run that is stored, the logs are kept of what has ended, and of pods
// that are gone, whatever they did last.
func TestKeptParts(t *testing.T) {
	t.Parallel()
	running := func(pod *corev1.Pod) {
		pod.UID = types.UID(pod.Name)
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(started())}}}}
	}
	pods := []corev1.Pod{podOf("two", "gone", 1, running), podOf("two", "runs", 1, running), podOf("two", "ended", 1, running)}
	pods[0].ResourceVersion = ""
	pods[2].Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(started()), FinishedAt: metav1.NewTime(started())}}
	for _, stored := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse} {
		run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "two", ResourceVersion: "1"}, Status: v1alpha1.RunStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.StoredCondition, Status: stored}},
			Jobs:       []v1alpha1.JobStatus{{Name: "gone"}, {Name: "runs"}, {Name: "ended"}},
		}}
		var got []bool
		for _, part := range Parts(run, pods) {
			got = append(got, part.Containers[0].Kept)
		}
		is := stored == metav1.ConditionTrue
		if diff := cmp.Diff([]bool{is, false, is}, got); diff != "" {
			t.Errorf("stored is %s (-want +got):\n%s", stored, diff)
		}
	}
}
