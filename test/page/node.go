// Package page has what tests of the web page share: a node whose containers print what
// a test says, behind a real API server.
package page

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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
)

// Node is where an API server gets the logs of a namespace's pods from.
type Node struct {
	client    client.Client
	namespace string
	// begun is when containers started and printed, and ended when they did.
	begun, ended metav1.Time

	mu   sync.Mutex
	logs map[string][]string
	// more is closed and made anew whenever something is printed.
	more chan struct{}
	over map[string]bool
}

// StartNode starts a node, as far as the API server asks for logs. It is called as the
// namespace is. Its containers begin and end at these times.
func StartNode(t *testing.T, c client.Client, namespace string, begun, ended metav1.Time) *Node {
	t.Helper()
	n := &Node{client: c, namespace: namespace, begun: begun, ended: ended, logs: map[string][]string{}, more: make(chan struct{}), over: map[string]bool{}}
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
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	object.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	object.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	if err := c.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	return n
}

// Print has the container of a job of a Run print lines, which must end so. Its pod is
// made with the first ones.
func (n *Node) Print(t *testing.T, run, job, text string) {
	t.Helper()
	pod := run + "-" + job
	n.mu.Lock()
	_, made := n.logs[pod]
	for line := range strings.Lines(text) {
		n.logs[pod] = append(n.logs[pod], n.begun.UTC().Format("2006-01-02T15:04:05.000000000Z")+" "+line)
	}
	close(n.more)
	n.more = make(chan struct{})
	n.mu.Unlock()
	if !made {
		n.pod(t, run, job)
	}
}

// pod makes the pod of a Run's job, which has started.
func (n *Node) pod(t *testing.T, run, job string) {
	t.Helper()
	pod := n.Schedule(t, run, job)
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: n.begun}}}}
	if err := n.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// Schedule makes the pod of a Run's job, which has the Job's name, and doesn't start it.
func (n *Node) Schedule(t *testing.T, run, job string) *corev1.Pod {
	t.Helper()
	controller := true
	name := run + "-" + job
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: n.namespace, Name: name}, Spec: corev1.PodSpec{NodeName: n.namespace, Containers: []corev1.Container{{Name: "main", Image: "busybox"}}}}
	pod.Labels = map[string]string{v1alpha1.RunLabel: run, v1alpha1.JobLabel: job}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: name, UID: types.UID("uid-" + name), Controller: &controller}}
	if err := n.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// End has the container of a job of a Run end.
func (n *Node) End(t *testing.T, run, job string, code int32) {
	t.Helper()
	name := run + "-" + job
	n.mu.Lock()
	n.over[name] = true
	close(n.more)
	n.more = make(chan struct{})
	n.mu.Unlock()
	pod := &corev1.Pod{}
	if err := n.client.Get(t.Context(), client.ObjectKey{Namespace: n.namespace, Name: name}, pod); err != nil {
		t.Fatal(err)
	}
	reason := "Completed"
	pod.Status.Phase = corev1.PodSucceeded
	if code != 0 {
		reason, pod.Status.Phase = "Error", corev1.PodFailed
	}
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: n.begun, FinishedAt: n.ended,
	}}
	if err := n.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// serve answers as a kubelet does.
func (n *Node) serve(w http.ResponseWriter, r *http.Request) {
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
