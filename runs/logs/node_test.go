package logs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kayci/kayci/api/v1alpha1"
)

// started is when the containers of the tests did.
func started() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }

// entry is a line as a node keeps it.
type entry struct {
	at   time.Duration
	text string
}

func (e entry) stamp() time.Time { return started().Add(e.at) }

func (e entry) String() string {
	return e.stamp().Format("2006-01-02T15:04:05.000000000Z07:00") + " " + e.text + "\n"
}

// node is an API server with pods, and the node that they run at.
type node struct {
	mu      sync.Mutex
	changed *sync.Cond
	pods    map[string]*corev1.Pod
	logs    map[string][]entry
	// raw is what a log is instead.
	raw map[string]string
	// breaks says after how many bytes the stream of a request breaks, from the first one
	// on, and cleanly whether as an end does.
	breaks  []int
	cleanly bool
	// between is called when a stream has broken.
	between func()
	asked   []string
	// turn is called before each request for a log, with its number from 1 on.
	turn func(number int)
	// last is how a pod was last, which a watch tells before it is gone, however late that is.
	last *corev1.Pod
	// away is how many lists of pods fail from now on.
	away int
}

func newNode() *node {
	n := &node{pods: map[string]*corev1.Pod{}, logs: map[string][]entry{}, raw: map[string]string{}}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// source reads from the node.
func (n *node) source(t *testing.T) *Pods {
	t.Helper()
	server := httptest.NewServer(n)
	t.Cleanup(func() {
		server.CloseClientConnections()
		n.update(func() {})
		server.Close()
	})
	client, err := corev1client.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	source := &Pods{Client: client, Pause: time.Millisecond, Patience: 10 * time.Second}
	if n.last != nil {
		source.Pause = time.Minute
	}
	return source
}

// update changes the node, and whoever follows sees it.
func (n *node) update(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	n.changed.Broadcast()
}

// at is a turn that does something at a request.
func (n *node) at(number int, do func()) func(int) {
	return func(now int) {
		if now == number {
			do()
		}
	}
}

// print adds to the log of a pod's container main.
func (n *node) print(pod string, entries ...entry) {
	n.update(func() { n.logs[pod] = append(n.logs[pod], entries...) })
}

// set sets the state of a pod's only container.
func (n *node) set(pod string, state corev1.ContainerState) {
	n.update(func() { n.pods[pod] = withState(n.pods[pod].DeepCopy(), state) })
}

func withState(pod *corev1.Pod, state corev1.ContainerState) *corev1.Pod {
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "main", State: state}}
	return pod
}

func running() corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(started())}}
}

func terminated() corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(started()), FinishedAt: metav1.NewTime(started().Add(time.Hour))}}
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(path) == 7 && n.turn != nil {
		n.turn(len(n.asked) + 1)
	}
	switch {
	case r.URL.Query().Has("watch") && n.last != nil:
		delete(n.pods, n.last.Name)
		n.last.APIVersion, n.last.Kind = "v1", "Pod"
		answer(w, http.StatusOK, map[string]any{"type": watch.Deleted, "object": n.last})
	case r.URL.Query().Has("watch"):
		// Whoever watches looks again.
		w.WriteHeader(http.StatusOK)
	case len(path) == 5:
		n.list(w, r.URL.Query().Get("labelSelector"))
	case n.pods[path[5]] == nil:
		answer(w, http.StatusNotFound, metav1.Status{Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound})
	case len(path) == 7:
		n.log(w, r, path[5])
	default:
		answer(w, http.StatusOK, n.pods[path[5]])
	}
}

func answer(w http.ResponseWriter, code int, object any) {
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(object); err != nil {
		panic(err)
	}
}

// list lists the pods whose Run a selector of Runs names.
func (n *node) list(w http.ResponseWriter, selector string) {
	if n.away > 0 {
		n.away--
		answer(w, http.StatusInternalServerError, metav1.Status{Status: "Failure", Code: http.StatusInternalServerError})
		return
	}
	list := corev1.PodList{}
	for _, pod := range n.pods {
		if strings.Contains(selector, "("+pod.Labels[v1alpha1.RunLabel]) || strings.Contains(selector, ","+pod.Labels[v1alpha1.RunLabel]) {
			list.Items = append(list.Items, *pod)
		}
	}
	answer(w, http.StatusOK, list)
}

// log writes a log as a kubelet does.
func (n *node) log(w http.ResponseWriter, r *http.Request, pod string) {
	n.asked = append(n.asked, r.URL.RawQuery)
	query := r.URL.Query()
	left := -1
	if tail := query.Get("tailLines"); tail == "" && len(n.breaks) > 0 {
		left, n.breaks = n.breaks[0], n.breaks[1:]
	}
	write := func(text string) {
		cut := left >= 0 && len(text) > left
		if cut {
			text = text[:left]
		}
		if left >= 0 {
			left -= len(text)
		}
		fmt.Fprint(w, text)
		if err := http.NewResponseController(w).Flush(); err != nil || cut {
			if n.between != nil {
				n.between()
			}
			if !n.cleanly {
				panic(http.ErrAbortHandler)
			}
			left = 0
		}
	}
	if raw, is := n.raw[pod]; is {
		write(raw)
		return
	}
	n.entries(r, pod, func(text string) bool {
		write(text)
		return left != 0
	})
}

// entries passes on those that are asked for, until the log ends or no more are wanted.
func (n *node) entries(r *http.Request, pod string, write func(string) bool) {
	query := r.URL.Query()
	since, _ := time.Parse(time.RFC3339, query.Get("sinceTime"))
	at := 0
	if tail := query.Get("tailLines"); tail != "" {
		var lines int
		if _, err := fmt.Sscan(tail, &lines); err != nil {
			panic(err)
		}
		at = max(0, len(n.logs[pod])-lines)
	}
	for {
		for ; at < len(n.logs[pod]); at++ {
			if e := n.logs[pod][at]; !e.stamp().Before(since) && !write(e.String()) {
				return
			}
		}
		known := n.pods[pod]
		if !query.Has("follow") || known == nil || known.Status.ContainerStatuses[0].State.Terminated != nil || r.Context().Err() != nil {
			return
		}
		n.changed.Wait()
	}
}
