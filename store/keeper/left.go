package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
)

// left is what a Run has left behind.
type left struct {
	pods []corev1.Pod
	jobs []batchv1.Job
}

// left returns the pods and Jobs of the Run, and those of Runs whose jobs it has taken:
// those that are there, and pods that are gone and whose logs were followed.
func (r *Runs) left(ctx context.Context, run *v1alpha1.Run) (*left, error) {
	l := &left{}
	for _, name := range runlogs.Runs(run) {
		var pods corev1.PodList
		var jobs batchv1.JobList
		of := []client.ListOption{client.InNamespace(run.Namespace), client.MatchingFields{byRun: name}}
		if err := errors.Join(r.Client.List(ctx, &pods, of...), r.Client.List(ctx, &jobs, of...)); err != nil {
			return nil, fmt.Errorf("list the pods of run %s: %w", name, err)
		}
		l.pods, l.jobs = append(l.pods, pods.Items...), append(l.jobs, jobs.Items...)
	}
	for _, pod := range r.Logs.Pods(run.UID) {
		if !l.has(pod.UID) {
			l.pods = append(l.pods, pod)
		}
	}
	return l, nil
}

func (l *left) has(pod types.UID) bool {
	return slices.ContainsFunc(l.pods, func(other corev1.Pod) bool { return other.UID == pod })
}

// complete adds the pods of which nothing is left but logs in the bucket, which a process
// before this one has kept. It returns how all logs have ended.
func (r *Runs) complete(ctx context.Context, run *v1alpha1.Run, l *left) (map[place.Log]*logs.End, error) {
	ends := r.Logs.Ends(run.UID)
	if ends == nil {
		ends = map[place.Log]*logs.End{}
	}
	at := records.PlaceOf(run)
	objects, err := r.Bucket.List(ctx, at.Logs(), "", 0)
	if err != nil {
		return nil, fmt.Errorf("%w: list the logs of run %s: %w", errBucket, run.Name, err)
	}
	gone := map[types.UID]*corev1.Pod{}
	for i := range objects {
		log, is := at.ReadLog(strings.TrimPrefix(objects[i].Name, at.Logs()))
		if _, known := ends[log]; !is || known || l.has(log.Pod) {
			continue
		}
		// If it has no end, nobody follows it any more.
		end, err := r.Logs.Keeper.Gone(ctx, log, runlogs.State{})
		if err != nil {
			return nil, fmt.Errorf("%w: end the logs of run %s: %w", errBucket, run.Name, err)
		}
		ends[log] = &end
		if gone[log.Pod] == nil {
			gone[log.Pod] = podOf(run, log)
		}
		addContainer(gone[log.Pod], log.Container, &end)
	}
	for _, pod := range gone {
		l.pods = append(l.pods, *pod)
	}
	return ends, nil
}

// podOf returns a pod of which nothing is known but its logs.
func podOf(run *v1alpha1.Run, log place.Log) *corev1.Pod {
	label, job := v1alpha1.JobLabel, ""
	for i := range run.Status.Services {
		if service := &run.Status.Services[i]; service.Name == log.Job {
			label, job = v1alpha1.ServiceLabel, service.Job
		}
	}
	for i := range run.Status.Jobs {
		if status := &run.Status.Jobs[i]; status.Name == log.Job {
			label, job = v1alpha1.JobLabel, status.Job
		}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: run.Namespace, Name: fmt.Sprintf("%s-%.5s", job, log.Pod), UID: log.Pod,
			Labels:          map[string]string{v1alpha1.RunLabel: run.Name, label: log.Job},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job, Controller: new(true)}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodFailed},
	}
}

// addContainer adds a container, as its log's end tells of it.
func addContainer(pod *corev1.Pod, name string, end *logs.End) {
	started, ended := end.Started, end.Ended
	if started.IsZero() {
		started = end.First
	}
	if ended.IsZero() {
		ended = end.Last
	}
	if created := metav1.NewTime(started); pod.CreationTimestamp.IsZero() || created.Before(&pod.CreationTimestamp) {
		pod.CreationTimestamp = created
	}
	pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name})
	pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
		Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			StartedAt: metav1.NewTime(started), FinishedAt: metav1.NewTime(ended), ExitCode: end.ExitCode, Reason: end.Reason,
		}},
	})
}
