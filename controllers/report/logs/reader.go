// Package logs reads the end of what a job has printed, in a form that may leave the
// cluster: bounded, without characters that nobody sees, and without the values of the
// Secrets that its pod names.
package logs

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/controllers/report/state"
	"github.com/kayci/kayci/controllers/run/evidence"
	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask/secrets"
)

const (
	// maxLines is how many lines of a log are shown.
	maxLines = 100
	// maxLine is how many bytes of a line are shown.
	maxLine = 500
	// maxBytes is how much of a log's end is read.
	maxBytes = 2 << 20
	// maxEntries is how many entries of a log are read at most. A node keeps a line in
	// several, some wherever 8 KiB of the log end.
	maxEntries, entry = 2 * maxLines, 8 << 10
	// timeout of reading one log.
	timeout = 10 * time.Second
)

// Reader reads logs.
type Reader struct {
	// Client reads Jobs, from the cache.
	Client client.Reader
	// APIReader reads Secrets by name, and a job's pods whole: the cache's lack what
	// Secrets they name.
	APIReader client.Reader
	// Pods gives the logs.
	Pods corev1client.PodsGetter
}

// End returns the end of the log of a job that has failed: of the container that failed
// first, of its last pod. Where there is none to be shown it says why. What an API
// server says is only logged, as it may have addresses of the cluster.
func (r *Reader) End(ctx context.Context, run *v1alpha1.Run, job *v1alpha1.JobStatus) state.Log {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	end := state.Log{Job: job.Name}
	if job.Job == "" {
		end.Missing = "the job never started"
		return end
	}
	lines, err := r.end(ctx, run, job, &end)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("A log can't be read", "run", run.Name, "job", job.Name, "error", err.Error())
		end.Missing = "the API server doesn't give it"
		if reason := apierrors.ReasonForError(err); reason != "" {
			end.Missing += " (" + string(reason) + ")"
		}
		if ctx.Err() != nil {
			end.Missing = "it couldn't be read in time"
		}
	}
	end.Lines = lines
	return end
}

// end returns the lines, and notes where they are from or why there are none.
func (r *Reader) end(ctx context.Context, run *v1alpha1.Run, job *v1alpha1.JobStatus, of *state.Log) ([]string, error) {
	pods, err := r.pods(ctx, run, job)
	if err != nil {
		return nil, err
	}
	pod, container := evidence.Culprit(pods)
	switch {
	case pod == nil:
		of.Missing = "the pod is gone, and its log with it"
		return nil, nil
	case !evidence.Begun(pod):
		of.Missing = "no container of the pod has run"
		return nil, nil
	}
	of.Container = container
	masker, why, err := secrets.Masker(ctx, r.APIReader, pod)
	if masker == nil {
		of.Missing = why
		return nil, err
	}
	raw, err := r.read(ctx, pod, container)
	if err != nil {
		return nil, err
	}
	ends, excused := last(raw)
	if excused != "" {
		return nil, fmt.Errorf("the node can't give the log: %s", excused)
	}
	var lines []string
	for _, line := range ends {
		lines = append(lines, strings.TrimRight(masker.Line(line, maxLine), " "))
	}
	if strings.Join(lines, "") == "" {
		of.Missing = "it is empty"
		return nil, nil
	}
	return lines, nil
}

// pods of the job, and of no other object of those names.
func (r *Reader) pods(ctx context.Context, run *v1alpha1.Run, status *v1alpha1.JobStatus) ([]corev1.Pod, error) {
	var job batchv1.Job
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: status.Job}, &job)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(&job, run) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get job %s: %w", status.Job, err)
	}
	var list corev1.PodList
	labels := client.MatchingLabels{v1alpha1.RunLabel: run.Name, v1alpha1.JobLabel: status.Name}
	if err := r.APIReader.List(ctx, &list, client.InNamespace(run.Namespace), labels); err != nil {
		return nil, fmt.Errorf("list the pods of job %s: %w", status.Job, err)
	}
	var own []corev1.Pod
	for i := range list.Items {
		if metav1.IsControlledBy(&list.Items[i], &job) {
			own = append(own, list.Items[i])
		}
	}
	return own, nil
}

func (r *Reader) read(ctx context.Context, pod *corev1.Pod, container string) ([]byte, error) {
	// More than is shown: the first may be the end of a line, and of a value.
	tail, limit := int64(maxEntries), int64(maxBytes)
	stream, err := r.Pods.Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: container, TailLines: &tail, LimitBytes: &limit, Timestamps: true,
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return io.ReadAll(io.LimitReader(stream, maxBytes))
}

// last are the last lines of what was read, without what may be a part of a line: it
// may be a part of a value, which nobody would know. What the node says itself is returned
// apart.
func last(raw []byte) (lines []string, excused string) {
	cut := len(raw) >= maxBytes
	plain, excused := runlogs.Strip(raw)
	text := string(plain)
	lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if cut && !strings.HasSuffix(text, "\n") {
		lines = lines[:len(lines)-1]
	}
	if entries := len(lines) + len(text)/entry + 1; (entries >= maxEntries || cut) && len(lines) > 0 {
		lines = lines[1:]
	}
	return lines[max(len(lines)-maxLines, 0):], excused
}
