package logs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
)

// told are the lines that a sink got.
type told struct {
	lines []string
	on    map[string]func()
}

func (s *told) Line(c *Container, line *Line) error {
	text := fmt.Sprintf("%s %d: %s", c.Part(), c.Attempt, line.Text)
	s.lines = append(s.lines, text)
	if act := s.on[text]; act != nil {
		act()
	}
	return nil
}

func (s *told) Missing(part string, _ *Container, what string) error {
	s.lines = append(s.lines, part+": "+what)
	return nil
}

func addPod(n *node, job string, second int, state corev1.ContainerState, entries ...entry) {
	pod := podOf("web-1", job, second)
	pod.UID = types.UID(pod.Name)
	n.update(func() {
		n.pods[pod.Name], n.logs[pod.Name] = withState(&pod, state), entries
	})
}

// TestFollow: logs of jobs that have ended come first, in the pipeline's order; jobs that
// start later and later attempts are followed; and it ends with the Run, also if the API
// server is away just then.
func TestFollow(t *testing.T) {
	t.Parallel()
	n := newNode()
	var mu sync.Mutex
	run := &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "1"}, Status: v1alpha1.RunStatus{
		Phase: v1alpha1.RunRunning, Jobs: []v1alpha1.JobStatus{{Name: "lint"}, {Name: "build"}, {Name: "test"}, {Name: "skipped", Phase: v1alpha1.JobSkipped}},
	}}
	addPod(n, "build", 1, terminated(), entry{0, "b"})
	addPod(n, "lint", 2, terminated(), entry{time.Second, "l"})
	addPod(n, "test", 3, running(), entry{time.Minute, "first"})
	sink := &told{on: map[string]func(){
		"test 1: first": func() {
			n.set("web-1-test-3", terminated())
			addPod(n, "test", 4, running(), entry{time.Minute, "again"})
		},
		"test 2: again": func() { n.print("web-1-test-4", entry{time.Minute + 1, "ends"}) },
		"test 2: ends": func() {
			n.set("web-1-test-4", terminated())
			mu.Lock()
			defer mu.Unlock()
			n.update(func() { n.away = 2 })
			run.Status.Phase = v1alpha1.RunFailed
		},
	}}
	f := &Follower{Pods: n.source(t), Every: time.Millisecond, Run: func(context.Context) (*v1alpha1.Run, error) {
		mu.Lock()
		defer mu.Unlock()
		return run.DeepCopy(), nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last, err := f.Follow(ctx, sink)
	want := []string{"lint 1: l", "build 1: b", "test 1: first", "test 2: again", "test 2: ends"}
	if diff := cmp.Diff(want, sink.lines); diff != "" || err != nil || last.Status.Phase != v1alpha1.RunFailed {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestFollowStops: with its context, with the sink's error, and with the Run's deletion.
func TestFollowStops(t *testing.T) {
	t.Parallel()
	n := newNode()
	addPod(n, "test", 3, running(), entry{time.Minute, "first"})
	run := v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "1"}, Status: v1alpha1.RunStatus{Jobs: []v1alpha1.JobStatus{{Name: "test"}}}}
	f := &Follower{Pods: n.source(t), Every: time.Millisecond, Run: func(context.Context) (*v1alpha1.Run, error) { return run.DeepCopy(), nil }}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := f.Follow(ctx, &told{on: map[string]func(){"test 1: first": cancel}}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	asked := 0
	f.Run = func(context.Context) (*v1alpha1.Run, error) {
		another := run.DeepCopy()
		if asked++; asked > 3 {
			another.UID = "2"
		}
		return another, nil
	}
	if _, err := f.Follow(t.Context(), &told{}); !errors.Is(err, errDeleted) {
		t.Errorf("a Run that is deleted ends it with %v", err)
	}
}

// shelf is where a pod and its log are kept.
type shelf struct{ pods []corev1.Pod }

func (s shelf) Pods(context.Context, *v1alpha1.Run) ([]corev1.Pod, error) { return s.pods, nil }

func (shelf) Read(_ context.Context, c *Container, _ Options, each func(*Line) error) (End, error) {
	return End{Lines: 1}, each(&Line{Text: []byte("kept of " + c.Pod)})
}

// storedRun has made two attempts at its job, and is stored.
func storedRun() *v1alpha1.Run {
	return &v1alpha1.Run{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "web-1", UID: "1", ResourceVersion: "1"}, Status: v1alpha1.RunStatus{
		Phase: v1alpha1.RunFailed, Jobs: []v1alpha1.JobStatus{{Name: "test", Job: "web-1-test", Phase: v1alpha1.JobFailed, Attempts: 2}},
		Conditions: []metav1.Condition{{Type: v1alpha1.StoredCondition, Status: metav1.ConditionTrue}},
	}}
}

// away is a shelf that nobody reaches.
type away struct{}

var errAway = errors.New("no\x1bbody is there")

func (away) Pods(context.Context, *v1alpha1.Run) ([]corev1.Pod, error) { return nil, errAway }

func (away) Read(context.Context, *Container, Options, func(*Line) error) (End, error) {
	return End{}, errAway
}

// TestKeptIsAway: what is kept and can't be read hides nothing of what is there, and is
// said to be missing.
func TestKeptIsAway(t *testing.T) {
	t.Parallel()
	n := newNode()
	run := storedRun()
	addPod(n, "test", 4, terminated(), entry{time.Minute, "there"})
	source := n.source(t)
	source.Kept = away{}
	f := &Follower{Pods: source, Every: time.Millisecond, Run: func(context.Context) (*v1alpha1.Run, error) { return run.DeepCopy(), nil }}
	sink := &told{}
	_, err := f.Follow(t.Context(), sink)
	want := []string{"test 2: there", `test: the pods of attempt 1 are gone, and what is kept of it can't be read for now: no\x1bbody is there`}
	if diff := cmp.Diff(want, sink.lines); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	found, err := source.Of(t.Context(), run)
	if err != nil || len(found.Pods) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	found.Pods = nil
	if diff := cmp.Diff([]string{`its pod is gone, and what is kept of it can't be read for now: no\x1bbody is there`}, found.Parts()[0].Missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := source.Of(stopped, run); err == nil {
		t.Error("who has stopped asking is told that all was found")
	}
}

// TestFollowKept: the logs of attempts whose pods are gone come from where they are kept.
func TestFollowKept(t *testing.T) {
	t.Parallel()
	n := newNode()
	run := storedRun()
	addPod(n, "test", 4, terminated(), entry{time.Minute, "there"})
	gone := podOf("web-1", "test", 3)
	gone.UID, gone.ResourceVersion = "uid-gone", ""
	source := n.source(t)
	source.Kept = shelf{[]corev1.Pod{*withState(&gone, running())}}
	f := &Follower{Pods: source, Every: time.Millisecond, Run: func(context.Context) (*v1alpha1.Run, error) { return run.DeepCopy(), nil }}
	sink := &told{}
	_, err := f.Follow(t.Context(), sink)
	want := []string{"test 2: kept of web-1-test-4", "test 1: kept of web-1-test-3"}
	if diff := cmp.Diff(want, sink.lines); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
