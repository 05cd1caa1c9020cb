package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// storeNodeName is a node whose containers all print the same log and end.
const storeNodeName = "store"

// storeNode answers the API server as its kubelet. Containers print once all of their logs
// are followed.
type storeNode struct {
	cluster    *cluster
	containers int
	// log is what each prints, with times, in so many lines.
	log   []byte
	lines int
	// namespace of the containers, which counts on.
	namespace int

	mu       sync.Mutex
	open     int
	all      chan struct{}
	released time.Time
}

// fill makes the log anew, of lines up to so many bytes.
func (n *storeNode) fill(line func(int) string, size int) {
	var log bytes.Buffer
	log.Grow(size)
	at := time.Now().UTC()
	for n.lines = 0; log.Len() < size; n.lines++ {
		log.WriteString(at.Add(time.Duration(n.lines)*10*time.Microsecond).Format(stampLayout) + " " + line(n.lines))
	}
	n.log = log.Bytes()
}

// randomLine is a line of as many bytes as logLine's that can't be compressed.
func randomLine(int) string {
	line := make([]byte, 104)
	for i := range line {
		for line[i] = '\n'; line[i] == '\n'; {
			line[i] = byte(rand.Uint32()) //nolint:gosec // It keeps no secret.
		}
	}
	line[len(line)-1] = '\n'
	return string(line)
}

// print starts the containers, each of a Run of its own.
func (n *storeNode) print(ctx context.Context) error {
	n.mu.Lock()
	n.open, n.all = 0, make(chan struct{})
	n.mu.Unlock()
	if err := n.cluster.namespace(ctx, n.where()); err != nil {
		return err
	}
	for i := range n.containers {
		if err := n.start(ctx, fmt.Sprintf("run-%d", i)); err != nil {
			return fmt.Errorf("start a container: %w", err)
		}
	}
	return nil
}

// size of all logs together, in bytes.
func (n *storeNode) size() float64 { return float64(n.containers) * float64(len(n.log)) }

func (n *storeNode) where() string { return fmt.Sprintf("%s-%d", storeNodeName, n.namespace) }

// start makes a Run, its Job, and a pod that runs.
func (n *storeNode) start(ctx context.Context, name string) error {
	labels := map[string]string{v1alpha1.RunLabel: name, v1alpha1.JobLabel: printJob}
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: n.where(), Name: name}, Spec: v1alpha1.RunSpec{Pipeline: pipelineName}}
	if err := n.cluster.client.Create(ctx, run); err != nil {
		return err
	}
	containers := []corev1.Container{{Name: "main", Image: "busybox:1.37"}}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: n.where(), Name: name, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(run, v1alpha1.GroupVersion().WithKind(v1alpha1.RunKind))},
		},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: containers},
		}},
	}
	if err := n.cluster.client.Create(ctx, job); err != nil {
		return err
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: n.where(), Name: name, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: corev1.PodSpec{NodeName: storeNodeName, RestartPolicy: corev1.RestartPolicyNever, Containers: containers},
	}
	if err := n.cluster.client.Create(ctx, pod); err != nil {
		return err
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}}}
	return n.cluster.client.Status().Update(ctx, pod)
}

// ServeHTTP answers with a container's log. Who follows it gets it once all logs are
// followed, and then the container ends.
func (n *storeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("follow") != "true" {
		log := n.log
		if query.Get("tailLines") == "1" {
			log = log[bytes.LastIndexByte(log[:len(log)-1], '\n')+1:]
		}
		_, _ = w.Write(log) // Who is gone reads no log.
		return
	}
	select {
	case <-r.Context().Done():
		return
	case <-n.opened():
	}
	if _, err := w.Write(n.log); err != nil {
		return
	}
	// /containerLogs/NAMESPACE/POD/CONTAINER.
	if parts := strings.Split(r.URL.Path, "/"); len(parts) == 5 {
		n.end(r.Context(), parts[3])
	}
}

// opened notes that a log is followed. The channel is closed once all are.
func (n *storeNode) opened() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open++; n.open == n.containers {
		n.released = time.Now()
		close(n.all)
	}
	return n.all
}

// began is when the containers did print.
func (n *storeNode) began() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.released
}

// end has a container end. Where that can't be told, nobody sees its log end.
func (n *storeNode) end(ctx context.Context, name string) {
	var pod corev1.Pod
	if err := n.cluster.client.Get(ctx, client.ObjectKey{Namespace: n.where(), Name: name}, &pod); err != nil {
		progress("store: %v", err)
		return
	}
	started := pod.Status.ContainerStatuses[0].State.Running.StartedAt
	pod.Status.Phase = corev1.PodSucceeded
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: started, FinishedAt: metav1.Now()}}
	if err := n.cluster.client.Status().Update(ctx, &pod); err != nil {
		progress("store: %v", err)
	}
}
