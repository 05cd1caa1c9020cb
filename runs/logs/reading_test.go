package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func onePod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "a", UID: "uid-a"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}},
	}
}

// read reads the log of the pod's container.
func read(t *testing.T, n *node, o Options) (lines []string, end End, err error) {
	t.Helper()
	c := Containers(n.pods["a"])[0]
	end, err = n.source(t).Read(t.Context(), &c, o, func(line *Line) error {
		text := string(line.Text)
		if line.Cut > 0 {
			text += fmt.Sprintf("[%d]", line.Cut)
		}
		if more := len(lines) > 0 && strings.HasSuffix(lines[len(lines)-1], ">"); more {
			lines[len(lines)-1] = strings.TrimSuffix(lines[len(lines)-1], ">") + text
		} else {
			lines = append(lines, fmt.Sprintf("%d %s", line.Number, text))
		}
		if line.More {
			lines[len(lines)-1] += ">"
		}
		return nil
	})
	return lines, end, err
}

// twice has lines of one time that are the same, lines out of order, and runes.
func twice() []entry {
	return []entry{
		{1, "größe"},
		{1, "größe"},
		{1, "größe"},
		{2, ""},
		{time.Second, "🚀"},
		{time.Second - 1, "behind"},
		{3 * time.Second, "x"},
		{3 * time.Second, "y"},
	}
}

// TestBreaks: wherever a stream breaks, with an error or as if it had ended, each line is
// passed on once.
func TestBreaks(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, e := range twice() {
		all.WriteString(e.String())
	}
	want := []string{"1 größe", "2 größe", "3 größe", "4 ", "5 🚀", "6 behind", "7 x", "8 y"}
	for _, cleanly := range []bool{true, false} {
		for at := 0; at < all.Len(); at += 5 {
			for _, state := range []corev1.ContainerState{terminated(), running()} {
				n := newNode()
				n.logs["a"], n.breaks, n.cleanly = twice(), []int{at, all.Len() - at}, cleanly
				n.pods["a"] = withState(onePod(), state)
				n.between = func() { n.pods["a"] = withState(onePod(), terminated()) }
				got, end, err := read(t, n, Options{Follow: true})
				if diff := cmp.Diff(want, got); diff != "" || err != nil || !end.Complete || end.Missing != nil || end.Lines != 8 || end.Bytes != int64(all.Len()-8*stampSize+5*8) {
					t.Fatalf("broken at %d, %t: %v, %+v (-want +got):\n%s", at, cleanly, err, end, diff)
				}
			}
		}
	}
}

// TestLongLines: a line is cut, or passed on whole however it breaks.
func TestLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcde\x00", 10_000)
	entries := []entry{{1, "a"}, {2, long}, {3, long[:MaxLine]}, {4, long[:MaxLine+1]}, {5, "b"}}
	for _, at := range []int{1 << 20, 40, 40 + MaxLine, 70_000, 130_000, 160_060} {
		n := newNode()
		n.logs["a"], n.pods["a"], n.breaks = entries, withState(onePod(), terminated()), []int{at, at}
		got, _, err := read(t, n, Options{})
		want := []string{"1 a", fmt.Sprintf("2 %s[%d]", long[:MaxLine], len(long)-MaxLine), "3 " + long[:MaxLine], "4 " + long[:MaxLine] + "[1]", "5 b"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("cut, broken at %d: %v (-want +got):\n%.500s", at, err, diff)
		}
		n.breaks = []int{at, at}
		got, end, err := read(t, n, Options{Whole: true})
		want = []string{"1 a", "2 " + long, "3 " + long[:MaxLine], "4 " + long[:MaxLine+1], "5 b"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || end.Bytes != int64(len(long)+2*MaxLine+1+2+5) {
			t.Errorf("whole, broken at %d: %v, %d bytes (-want +got):\n%.500s", at, err, end.Bytes, diff)
		}
	}
}

// TestWanted: a part of a log.
func TestWanted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options Options
		want    []string
		query   string
	}{
		"the end":         {Options{Tail: new(int64(2))}, []string{"1 d", "2 e"}, "container=main&tailLines=2&timestamps=true"},
		"since":           {Options{Since: started().Add(1500 * time.Millisecond)}, []string{"1 c", "2 d", "3 e"}, "container=main&sinceTime=2026-09-01T12%3A00%3A01Z&timestamps=true"},
		"from the middle": {Options{From: 2, To: 3}, []string{"2 b", "3 c"}, "container=main&timestamps=true"},
		"beyond the end":  {Options{From: 9}, nil, "container=main&timestamps=true"},
	} {
		n := newNode()
		n.pods["a"] = withState(onePod(), terminated())
		n.logs["a"] = []entry{{0, "a"}, {time.Second, "b"}, {2 * time.Second, "c"}, {3 * time.Second, "d"}, {3 * time.Second, "e"}}
		got, _, err := read(t, n, tt.options)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil || n.asked[0] != tt.query {
			t.Errorf("%s: %v, asked for %s (-want +got):\n%s", name, err, n.asked[0], diff)
		}
	}
}

// TestEnds: what a log lacks is said.
func TestEnds(t *testing.T) {
	t.Parallel()
	fast := func(from time.Duration) (entries []entry) {
		for i := range 2000 {
			entries = append(entries, entry{from + time.Duration(i)*time.Millisecond, strings.Repeat("x", 1000)})
		}
		return entries
	}
	for name, tt := range map[string]struct {
		state corev1.ContainerState
		phase corev1.PodPhase
		logs  []entry
		raw   string
		want  []string
		lines int64
	}{
		"whole":            {state: terminated(), logs: twice(), lines: 8},
		"empty":            {state: terminated()},
		"silent at first":  {state: terminated(), logs: []entry{{time.Minute, "a"}}, lines: 1},
		"fast at once":     {state: terminated(), logs: fast(time.Second), lines: 2000},
		"rotated":          {state: terminated(), logs: fast(41 * time.Second), lines: 2000, want: []string{"lines before 12:00:41 UTC were probably rotated away by the node: the log begins 41s after the container's start, and a node keeps the newest 10 MiB or so"}},
		"waiting":          {state: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}, want: []string{"it hasn't started yet (ImagePullBackOff)"}},
		"waiting for ever": {state: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}, phase: corev1.PodFailed, want: []string{"it never started (PodInitializing)"}},
		"not to be run":    {state: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "StartError", StartedAt: metav1.Unix(0, 0)}}, want: []string{"it never started (StartError)"}},
		"lost by its node": {state: terminated(), raw: "unable to retrieve container logs for containerd://\x1b1", want: []string{`the node can't give it: unable to retrieve container logs for containerd://\x1b1`}},
	} {
		n := newNode()
		n.pods["a"], n.logs["a"] = withState(onePod(), tt.state), tt.logs
		if n.pods["a"].Status.Phase = tt.phase; tt.raw != "" {
			n.raw["a"] = tt.raw
		}
		_, end, err := read(t, n, Options{})
		if diff := cmp.Diff(tt.want, end.Missing); diff != "" || err != nil || end.Lines != tt.lines || end.Complete != (tt.state.Terminated != nil && tt.lines > 0 || name == "empty" || tt.raw != "") {
			t.Errorf("%s: %v, %d lines, %t (-want +got):\n%s", name, err, end.Lines, end.Complete, diff)
		}
	}
}

// TestRotatedBetween: what was rotated away while a stream was broken is told.
func TestRotatedBetween(t *testing.T) {
	t.Parallel()
	n := newNode()
	n.pods["a"], n.breaks = withState(onePod(), terminated()), []int{60}
	n.logs["a"] = []entry{{time.Second, "a"}, {2 * time.Second, "b"}, {9 * time.Second, "c"}}
	n.between = func() { n.logs["a"] = n.logs["a"][2:] }
	got, end, err := read(t, n, Options{})
	if diff := cmp.Diff([]string{"1 a", "2 c"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"what it printed between 12:00:01 UTC and 12:00:09 UTC is lost: the node rotated it away before it could be read"}, end.Missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDeleted: the stream of a pod that is deleted ends as any other.
func TestDeleted(t *testing.T) {
	t.Parallel()
	for name, uid := range map[string]string{"gone": "", "another": "uid-b"} {
		n := newNode()
		n.pods["a"], n.logs["a"], n.breaks, n.cleanly = withState(onePod(), running()), twice(), []int{70}, true
		n.between = func() {
			if delete(n.pods, "a"); uid != "" {
				n.pods["a"] = withState(onePod(), terminated())
				n.pods["a"].UID = "uid-b"
			}
		}
		got, end, err := read(t, n, Options{Follow: true})
		if diff := cmp.Diff([]string{"its pod was deleted: what it printed after 12:00:00 UTC is lost"}, end.Missing); diff != "" || err != nil || end.Complete || len(got) != 1 {
			t.Errorf("%s: %v, %d lines, %t (-want +got):\n%s", name, err, len(got), end.Complete, diff)
		}
	}
}

// TestDeletedAfterItsEnd: nothing is lost of a pod that goes when its container has ended
// and all was read, as one that was evicted does.
func TestDeletedAfterItsEnd(t *testing.T) {
	t.Parallel()
	size := 0
	for _, e := range twice() {
		size += len(e.String())
	}
	lost := func(after string) []string {
		return []string{"its pod was deleted: what it printed after " + after + " UTC is lost"}
	}
	for name, tt := range map[string]struct {
		change func(*node)
		lines  int
		want   []string
	}{
		"before it is asked for its last line": {func(n *node) {
			n.pods["a"], n.turn = withState(onePod(), terminated()), n.at(2, func() { delete(n.pods, "a") })
		}, len(twice()), nil},
		"after the node has removed its log": {func(n *node) {
			n.pods["a"], n.turn = withState(onePod(), terminated()), n.at(2, func() { n.raw["a"] = "unable to retrieve container logs for containerd://1" })
		}, len(twice()), nil},
		"while the node removes its log": {func(n *node) {
			n.pods["a"], n.turn = withState(onePod(), terminated()), n.at(2, func() {
				n.raw["a"] = `failed to try resolving symlinks in path "/var/log/pods/a/0.log": no such file or directory`
			})
		}, len(twice()), nil},
		"as is seen by a watch": {func(n *node) {
			n.breaks, n.last = []int{size}, withState(onePod(), terminated())
		}, len(twice()), nil},
		"without being seen to have ended": {func(n *node) {
			n.breaks, n.last = []int{size}, withState(onePod(), running())
		}, len(twice()), lost("12:00:03")},
		"without its log, while the stream is broken": {func(n *node) {
			n.breaks, n.turn = []int{70}, n.at(2, func() { n.raw["a"] = "unable to retrieve container logs for containerd://1" })
			n.between = func() { n.pods["a"] = withState(onePod(), terminated()) }
		}, 1, []string{"the node can't give the rest of it: unable to retrieve container logs for containerd://1"}},
		"while the stream is broken": {func(n *node) {
			n.breaks, n.turn = []int{70}, n.at(2, func() { delete(n.pods, "a") })
			n.between = func() { n.pods["a"] = withState(onePod(), terminated()) }
		}, 1, lost("12:00:00")},
	} {
		n := newNode()
		n.pods["a"], n.logs["a"] = withState(onePod(), running()), twice()
		tt.change(n)
		got, end, err := read(t, n, Options{Follow: true})
		complete := tt.want == nil || len(n.pods) > 0
		if diff := cmp.Diff(tt.want, end.Missing); diff != "" || err != nil || end.Complete != complete || len(got) != tt.lines {
			t.Errorf("%s: %v, %d lines, %t (-want +got):\n%s", name, err, len(got), end.Complete, diff)
		}
	}
}

// TestLastLineOfAnEvicted: the last line, without its end, comes before what the node says
// in place of a log that it has removed.
func TestLastLineOfAnEvicted(t *testing.T) {
	t.Parallel()
	all := strings.TrimSuffix(entry{0, "one"}.String()+entry{time.Second, "two"}.String(), "\n")
	for name, change := range map[string]func(*node){
		"its pod is gone":                 func(n *node) { n.turn = n.at(2, func() { delete(n.pods, "a") }) },
		"its end is seen when it is gone": func(n *node) { n.pods["a"], n.last = withState(onePod(), running()), n.pods["a"] },
		"the node has removed its log": func(n *node) {
			n.turn = n.at(2, func() { n.raw["a"] = "unable to retrieve container logs for containerd://1" })
		},
	} {
		n := newNode()
		n.pods["a"], n.raw["a"] = withState(onePod(), terminated()), all
		change(n)
		got, end, err := read(t, n, Options{Follow: true})
		if diff := cmp.Diff([]string{"1 one", "2 two"}, got); diff != "" || err != nil || len(end.Missing) > 0 || !end.Complete {
			t.Errorf("%s: %v, %q, %t (-want +got):\n%s", name, err, end.Missing, end.Complete, diff)
		}
	}
}

// TestNodesWords: what a node says in place of a log, or behind what it could read, isn't
// taken for what the container has printed, whatever the words are.
func TestNodesWords(t *testing.T) {
	t.Parallel()
	stamped := entry{0, "one"}.String() + entry{time.Second, "two"}.String()
	for name, tt := range map[string]struct {
		raw           string
		want, missing []string
	}{
		"in place of it": {"rpc error: code = NotFound", nil, []string{"the node can't give it: rpc error: code = NotFound"}},
		"behind it":      {stamped + "context cancelled", []string{"1 one", "2 two"}, []string{"the node can't give the rest of it: context cancelled"}},
		"broken stamp":   {stamped + "2026-09", []string{"1 one", "2 two", "3 2026-09"}, nil},
		"no end":         {stamped + strings.TrimSuffix(entry{time.Second, "three"}.String(), "\n"), []string{"1 one", "2 two", "3 three"}, nil},
		"without stamps": {"one\ntwo", []string{"1 one", "2 two"}, nil},
	} {
		n := newNode()
		n.pods["a"], n.raw["a"] = withState(onePod(), terminated()), tt.raw
		got, end, err := read(t, n, Options{})
		if diff := cmp.Diff(tt.want, got) + cmp.Diff(tt.missing, end.Missing); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestScan: what was kept has a blank in front of a line that had no stamp, and nothing of
// it is a node's word.
func TestScan(t *testing.T) {
	t.Parallel()
	kept := entry{0, "one"}.String() + " two\n  three\n \nfour"
	var got []string
	end, err := Scan(t.Context(), &Container{}, strings.NewReader(kept), 5, Options{}, func(line *Line) error {
		got = append(got, fmt.Sprintf("%d %s", line.Number, line.Text))
		return nil
	})
	if diff := cmp.Diff([]string{"5 one", "6 two", "7  three", "8 ", "9 four"}, got); diff != "" || err != nil || end.Missing != nil {
		t.Errorf("%v, %q (-want +got):\n%s", err, end.Missing, diff)
	}
}

// TestStops: an error of who reads ends the reading, as the context's end does.
func TestStops(t *testing.T) {
	t.Parallel()
	n := newNode()
	n.pods["a"], n.logs["a"] = withState(onePod(), running()), twice()
	c, source, full := Containers(n.pods["a"])[0], n.source(t), errors.New("full")
	if _, err := source.Read(t.Context(), &c, Options{Follow: true}, func(*Line) error { return full }); !errors.Is(err, full) {
		t.Errorf("the error of the reader becomes %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	lines := 0
	_, err := source.Read(ctx, &c, Options{Follow: true}, func(line *Line) error {
		if lines++; lines == 8 {
			if !line.Idle {
				t.Error("nothing more is there, and it isn't said")
			}
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || lines != 8 {
		t.Errorf("after %d lines: %v", lines, err)
	}
}

// TestLinesAllocateNothing: a log costs the same memory however long it is.
func TestLinesAllocateNothing(t *testing.T) {
	const lines = 50_000
	var stream bytes.Buffer
	for i := range lines {
		stream.WriteString(entry{time.Duration(i) * time.Microsecond, "a line"}.String())
	}
	got := testing.AllocsPerRun(3, func() {
		r := &reading{pods: &Pods{}, container: &Container{}, window: newWindow(), each: func(*Line) error { return nil }}
		if err := r.drain(t.Context(), bytes.NewReader(stream.Bytes())); err != nil || r.end.Lines != lines {
			t.Fatal(err, r.end.Lines)
		}
	})
	// The buffer and the window are allocated once, and the window's halves grow.
	if most := 100.0; got > most {
		t.Errorf("%d lines allocate %v times, and not %v at most", lines, got, most)
	}
}
