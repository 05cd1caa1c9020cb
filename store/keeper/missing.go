package keeper

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// missing is what is missing of the logs of a Run.
type missing struct {
	// awaited have not ended.
	awaited []string
	// parts are sentences, and kept is how many logs are.
	parts []string
	kept  int
}

// missing looks at the logs of the Run's own pods, by how those have ended.
func (r *Runs) missing(run *v1alpha1.Run, pods []corev1.Pod, ends map[place.Log]*logs.End) *missing {
	m := &missing{}
	for i := range pods {
		pod := &pods[i]
		job := jobOf(pod)
		if job == "" || pod.Labels[v1alpha1.RunLabel] != run.Name {
			continue
		}
		for _, c := range runlogs.Containers(pod) {
			end := ends[place.Log{Run: records.PlaceOf(run), Job: job, Pod: pod.UID, Container: c.Name}]
			switch {
			case c.State.Started.IsZero():
			case end == nil:
				m.awaited = append(m.awaited, fmt.Sprintf("%s: the log of container %s is not kept yet", job, c.Name))
			default:
				m.add(job, c.Name, end)
			}
		}
	}
	m.lost(run, pods)
	return m
}

func (m *missing) add(job, container string, end *logs.End) {
	m.kept++
	for _, what := range end.Missing {
		m.parts = append(m.parts, fmt.Sprintf("%s, container %s: %s", job, container, what))
	}
}

// lost adds what nothing is known of: pods that were gone before anybody could follow
// their logs. Those of a job that was taken from an earlier Run are kept with that one.
func (m *missing) lost(run *v1alpha1.Run, pods []corev1.Pod) {
	reused := map[string]bool{}
	for i := range run.Status.Jobs {
		reused[run.Status.Jobs[i].Name] = run.Status.Jobs[i].ReusedFrom != ""
	}
	for _, part := range runlogs.Parts(run, pods) {
		if !part.Begun || !part.Service && reused[part.Name] {
			continue
		}
		for _, what := range part.Missing {
			m.parts = append(m.parts, part.Name+": "+what)
		}
	}
}

// told is how many things that are missing a condition names.
const told = 3

func (m *missing) condition() metav1.Condition {
	all := slices.Concat(m.awaited, m.parts)
	c := metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonStored}
	c.Message = fmt.Sprintf("The record and %s are kept", logsText(m.kept))
	if len(all) == 0 {
		return c
	}
	c.Reason = v1alpha1.ReasonStoredInPart
	for _, what := range all[:min(told, len(all))] {
		c.Message += "; " + what
	}
	if more := len(all) - told; more > 0 {
		c.Message += fmt.Sprintf("; and %d more", more)
	}
	return c
}

func logsText(n int) string {
	if n == 1 {
		return "1 log"
	}
	return fmt.Sprintf("%d logs", n)
}
