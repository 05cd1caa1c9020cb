package e2e

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kayci/kayci/api/v1alpha1"
)

// layers returns a graph of 50 jobs: one, four layers of twelve in which each
// job needs two or more of the layer before, and one that needs the last layer.
func layers() []v1alpha1.Job {
	const depth, width = 4, 12
	name := func(layer, i int) string { return fmt.Sprintf("layer-%d-%d", layer, i%width) }
	jobs := []v1alpha1.Job{script("first", "true")}
	var last []string
	for layer := range depth {
		last = nil
		for i := range width {
			needs := []string{"first"}
			if layer > 0 {
				needs = []string{name(layer-1, i), name(layer-1, i+1+i%3)}
			}
			jobs = append(jobs, script(name(layer, i), "true", needs...))
			last = append(last, name(layer, i))
		}
	}
	return append(jobs, script("last", "true", last...))
}

// A graph of 50 jobs comes to its end, with one pod for each job, and none that
// started before all that its job needs had ended.
func TestGraphOfFiftyJobs(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	graph := layers()
	s.create(t, s.pipeline("large", graph...))
	s.start(t, "l", "large")
	for _, name := range []string{"first", "layer-0-0", "layer-1-0", "layer-2-0", "layer-3-0"} {
		s.awaitJob(t, "l", name, v1alpha1.JobSucceeded)
	}
	s.awaitEnd(t, "l", v1alpha1.RunSucceeded)

	if got := len(s.jobs(t, "l")); len(graph) != 50 || got != len(graph) {
		t.Errorf("%d Jobs for %d jobs, want 50 of each", got, len(graph))
	}
	ran := map[string][]*corev1.ContainerStateTerminated{}
	for _, pod := range s.pods(t, "l") {
		job := pod.Labels[v1alpha1.JobLabel]
		ran[job] = append(ran[job], pod.Status.ContainerStatuses[0].State.Terminated)
	}
	for i := range graph {
		job := &graph[i]
		if len(ran[job.Name]) != 1 || ran[job.Name][0] == nil {
			t.Fatalf("job %s had the pods %v, want one that has ended", job.Name, ran[job.Name])
		}
		for _, need := range job.Needs {
			if start, end := ran[job.Name][0].StartedAt, ran[need][0].FinishedAt; start.Before(&end) {
				t.Errorf("%s started at %s, before the end of %s at %s", job.Name, start, need, end)
			}
		}
	}
}
