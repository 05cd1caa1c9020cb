package web_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// node is where the API server gets logs from.
type node struct {
	*world

	name string
	mu   sync.Mutex
	logs map[string][]string
	// more is closed and made anew whenever something is printed.
	more chan struct{}
	over map[string]bool
}

// startNode starts a node, as far as the API server asks for logs.
func (w *world) startNode(t *testing.T) *node {
	t.Helper()
	n := &node{world: w, name: w.namespace, logs: map[string][]string{}, more: make(chan struct{}), over: map[string]bool{}}
	kubelet := httptest.NewTLSServer(http.HandlerFunc(n.serve))
	t.Cleanup(kubelet.Close)
	_, port, err := net.SplitHostPort(kubelet.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name}}
	w.create(t, object)
	object.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	object.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	if err := w.client.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return n
}

// print has the container of a Job's pod print lines, which must end so. The pod is made
// with the first ones.
func (n *node) print(t *testing.T, job string, text string) {
	t.Helper()
	n.mu.Lock()
	_, made := n.logs[job]
	for line := range strings.Lines(text) {
		n.logs[job] = append(n.logs[job], before(61).Format("2006-01-02T15:04:05.000000000Z")+" "+line)
	}
	close(n.more)
	n.more = make(chan struct{})
	n.mu.Unlock()
	if !made {
		n.pod(t, job)
	}
}

// pod makes the pod of a Run's job, which has started.
func (n *node) pod(t *testing.T, job string) {
	t.Helper()
	cut := strings.LastIndex(job, "-")
	controller := true
	pod := &corev1.Pod{ObjectMeta: n.meta(job), Spec: corev1.PodSpec{NodeName: n.name, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
	pod.Labels = map[string]string{v1alpha1.RunLabel: job[:cut], v1alpha1.JobLabel: job[cut+1:]}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job, UID: types.UID("uid-" + job), Controller: &controller}}
	n.create(t, pod)
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: *before(61)}}}}
	if err := n.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// end has the container of a Job's pod end.
func (n *node) end(t *testing.T, job string, code int32) {
	t.Helper()
	n.mu.Lock()
	n.over[job] = true
	close(n.more)
	n.more = make(chan struct{})
	n.mu.Unlock()
	pod := &corev1.Pod{ObjectMeta: n.meta(job)}
	n.read(t, pod)
	pod.Status.Phase = corev1.PodFailed
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: "Error", StartedAt: *before(61), FinishedAt: *before(59),
	}}
	if err := n.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// serve answers as a kubelet does.
func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(r.URL.Path, "/")
	if len(path) != 5 || path[1] != "containerLogs" {
		http.NotFound(w, r)
		return
	}
	query, job := r.URL.Query(), path[3]
	for next := 0; ; {
		n.mu.Lock()
		lines, more, over := n.logs[job], n.more, n.over[job]
		n.mu.Unlock()
		if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && next == 0 {
			next = max(0, len(lines)-tail)
		}
		for ; next < len(lines); next++ {
			_, text, _ := strings.Cut(lines[next], " ")
			if query.Get("timestamps") == "true" {
				text = lines[next]
			}
			fmt.Fprint(w, text)
		}
		if err := http.NewResponseController(w).Flush(); err != nil || over || query.Get("follow") != "true" {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		}
	}
}
