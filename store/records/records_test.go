package records_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/store/records"
	memory "github.com/kayci/kayci/test/bucket"
)

func at(hour int) metav1.Time { return metav1.Date(2026, 9, 1, hour, 0, 0, 0, time.UTC) }

// record of the Pipeline's Run of that number.
func record(pipeline string, number int64) *records.Record {
	name := fmt.Sprintf("%s-run%d", pipeline, number)
	return &records.Record{
		Run: &v1alpha1.Run{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID("uid-" + name), CreationTimestamp: at(int(number))},
			Spec:       v1alpha1.RunSpec{Pipeline: pipeline},
			Status: v1alpha1.RunStatus{
				Phase: v1alpha1.RunFailed, Number: number,
				Conditions: []metav1.Condition{{Type: "Reported"}, {Type: v1alpha1.SucceededCondition, Message: "job test failed"}},
				Jobs:       []v1alpha1.JobStatus{{Name: "test", Phase: v1alpha1.JobFailed, Outputs: map[string]string{"a": "b"}}},
			},
		},
		Spec:   &v1alpha1.PipelineSpec{Jobs: []v1alpha1.Job{{Name: "test"}}},
		Pods:   []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: name + "-test", UID: "pod"}}},
		Stored: at(int(number)),
	}
}

func put(t *testing.T, b bucket.Bucket, all ...*records.Record) {
	t.Helper()
	for _, r := range all {
		if err := records.Put(t.Context(), b, r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilled: wherever storing a record is broken off, what leads to a Run leads to its
// whole record, and storing it again ends well.
func TestKilled(t *testing.T) {
	t.Parallel()
	want := record("web", 7)
	for requests := range 4 {
		for _, after := range []bool{false, true} {
			b := &memory.Memory{}
			if b.Before = killing(requests); after {
				b.Before, b.After = nil, b.Before
			}
			err := records.Put(t.Context(), b, want)
			if (err == nil) != (requests == 3) || err != nil && !errors.Is(err, errKilled) {
				t.Fatalf("killed at request %d: %v", requests, err)
			}
			b.Before, b.After = nil, nil
			for name, err := range found(t, b) {
				t.Errorf("killed at request %d, after it: %t: found by %s, and not there: %v", requests, after, name, err)
			}
			put(t, b, want)
			got, err := records.Get(t.Context(), b, want.Place())
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
	}
}

var errKilled = errors.New("killed")

// killing has all requests fail but the first ones.
func killing(requests int) func(string) error {
	var asked atomic.Int64
	return func(string) error {
		if asked.Add(1) > int64(requests) {
			return errKilled
		}
		return nil
	}
}

// found returns by what the Run is found though its record can't be read, and why.
func found(t *testing.T, b bucket.Bucket) map[string]error {
	t.Helper()
	bad := map[string]error{}
	for name, find := range map[string]func() (place.Run, error){
		"name":   func() (place.Run, error) { return records.Named(t.Context(), b, "ci", "web-run7", "") },
		"number": func() (place.Run, error) { return records.Numbered(t.Context(), b, "ci", "web", 7) },
	} {
		run, err := find()
		if err == nil {
			_, err = records.Get(t.Context(), b, run)
		} else if errors.Is(err, bucket.ErrNotFound) {
			err = nil
		}
		if err != nil {
			bad[name] = err
		}
	}
	return bad
}

// TestList: the newest come first, without reading what isn't asked for.
func TestList(t *testing.T) {
	t.Parallel()
	var entries atomic.Int64
	b := &memory.Memory{Before: func(request string) error {
		if strings.HasPrefix(request, "get index/") {
			entries.Add(1)
		}
		return nil
	}}
	put(t, b, record("web", 9), record("web", 10), record("web", 11), record("web-2", 2), record("web", 1))
	for name, tt := range map[string]struct {
		query records.Query
		want  string
		read  int64
	}{
		"of a Pipeline":  {records.Query{Namespace: "ci", Pipeline: "web", Limit: 2}, "web-run11 web-run10", 2},
		"older ones":     {records.Query{Namespace: "ci", Pipeline: "web", Limit: 2, Before: 10}, "web-run9 web-run1", 2},
		"of all":         {records.Query{Namespace: "ci", Limit: 3}, "web-run11 web-run10 web-run9", 4},
		"of a namespace": {records.Query{Namespace: "other", Limit: 3}, "", 0},
	} {
		entries.Store(0)
		runs, err := records.List(t.Context(), b, tt.query)
		var names []string
		for i := range runs {
			names = append(names, runs[i].Name)
		}
		if got := strings.Join(names, " "); got != tt.want || err != nil || entries.Load() != tt.read {
			t.Errorf("%s: %q with %d entries read, %v; want %q with %d", name, got, entries.Load(), err, tt.want, tt.read)
		}
	}
	runs, _ := records.List(t.Context(), b, records.Query{Namespace: "ci", Pipeline: "web", Limit: 1})
	want := record("web", 11).Run
	want.Status.Conditions, want.Status.Jobs[0].Outputs = want.Status.Conditions[1:], nil
	if diff := cmp.Diff([]records.Summary{*want}, runs); diff != "" {
		t.Errorf("an entry (-want +got):\n%s", diff)
	}
}

// TestNamesakes: of two Runs of a name the one is found that was stored last, and each by
// its UID.
func TestNamesakes(t *testing.T) {
	t.Parallel()
	now := at(0).Time
	b := &memory.Memory{Now: func() time.Time { return now }}
	older, newer := record("web", 7), record("web", 7)
	newer.Run.UID = "another"
	put(t, b, older)
	now = now.Add(time.Hour)
	put(t, b, newer)
	for uid, want := range map[types.UID]types.UID{"": "another", "another": "another", "uid-web-run7": "uid-web-run7"} {
		if got, err := records.Named(t.Context(), b, "ci", "web-run7", uid); got.UID != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", uid, got.UID, err, want)
		}
	}
	if got, err := records.Numbered(t.Context(), b, "ci", "web", 7); got.UID != "another" || err != nil {
		t.Errorf("by number: %q, %v", got.UID, err)
	}
	if _, err := records.Named(t.Context(), b, "ci", "web-run7", "third"); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("another UID: %v", err)
	}
}

// aged is a bucket with Runs of several ages, and without the records of some.
func aged(t *testing.T) *memory.Memory {
	t.Helper()
	now := at(0).Time
	b := &memory.Memory{Now: func() time.Time { return now }}
	log := func(r *records.Record) {
		name := place.Log{Run: r.Place(), Job: "test", Pod: "pod", Container: "main"}.Part(1, 0)
		if err := b.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	log(record("lost", 1))
	for number := range int64(5) {
		now = at(int(number)).Time
		put(t, b, record("web", number))
		log(record("web", number))
	}
	log(record("goes-on", 1))
	return b
}

// TestExpire: what is beyond a bound goes with all that is kept of its Run, however often
// removing it is broken off, and nothing else does.
func TestExpire(t *testing.T) {
	t.Parallel()
	bounds := records.Bounds{Age: 4*time.Hour + time.Minute, Count: 3, Unrecorded: 2 * time.Hour}
	for requests, over := 0, false; !over; requests++ {
		b := aged(t)
		b.Before = killing(requests)
		_, err := records.Expire(t.Context(), b, bounds, at(5).Time)
		over, b.Before = err == nil, nil
		if _, err := records.Expire(t.Context(), b, bounds, at(5).Time); err != nil {
			t.Fatal(err)
		}
		objects, err := b.List(t.Context(), "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]int{}
		for _, o := range objects {
			for segment := range strings.SplitSeq(o.Name, "/") {
				if strings.Contains(segment, "-run") && !strings.HasPrefix(segment, "uid-") {
					kept[segment]++
				}
			}
		}
		if diff := cmp.Diff(map[string]int{"web-run2": 4, "web-run3": 4, "web-run4": 4, "goes-on-run1": 1}, kept); diff != "" {
			t.Fatalf("killed at request %d: objects (-want +got):\n%s", requests, diff)
		}
	}
}

// TestListReads: of many Pipelines little more is read than is wanted.
func TestListReads(t *testing.T) {
	t.Parallel()
	b := &memory.Memory{}
	for number := int64(1); number <= 12; number++ {
		for _, pipeline := range []string{"a", "b", "c", "d"} {
			r := record(pipeline, number)
			if pipeline == "d" {
				r.Run.CreationTimestamp = at(100 + int(number))
			}
			put(t, b, r)
		}
	}
	for _, tt := range []struct{ limit, reads int }{{0, 0}, {1, 5}, {4, 12}, {8, 18}, {48, 48}} {
		reads := 0
		var mu sync.Mutex
		b.Before = func(request string) error {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(request, "get ") {
				reads++
			}
			return nil
		}
		runs, err := records.List(t.Context(), b, records.Query{Namespace: "ci", Limit: tt.limit})
		if err != nil || len(runs) != tt.limit || reads > tt.reads {
			t.Errorf("limit %d: %d Runs, %d reads, %v", tt.limit, len(runs), reads, err)
		}
		for i := range runs {
			if i < 12 && runs[i].Name != fmt.Sprintf("d-run%d", 12-i) || i > 0 && runs[i-1].CreationTimestamp.Before(&runs[i].CreationTimestamp) {
				t.Errorf("limit %d: %d is %s", tt.limit, i, runs[i].Name)
			}
		}
	}
}

// TestLean: of a pod's annotations only that is kept which tells its index.
func TestLean(t *testing.T) {
	t.Parallel()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"large": strings.Repeat("x", 1<<18), batchv1.JobCompletionIndexAnnotation: "3"}}}
	if diff := cmp.Diff(map[string]string{batchv1.JobCompletionIndexAnnotation: "3"}, records.Lean(&pod).Annotations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
