package recent_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kayci/kayci/controllers/recent"
)

func pod(name, uid, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: name, UID: types.UID(uid), ResourceVersion: version}}
}

func TestNewer(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		cached *corev1.Pod
		after  time.Duration
		want   string
	}{
		{name: "the cache is behind", cached: pod("a", "1", "99"), want: "100"},
		{name: "the cache has caught up", cached: pod("a", "1", "100"), want: "100"},
		{name: "the cache is ahead", cached: pod("a", "1", "1000"), want: "1000"},
		{name: "made again under the name", cached: pod("a", "2", "50"), want: "50"},
		{name: "another object", cached: pod("b", "1", "50"), want: "50"},
		{name: "too long ago", cached: pod("a", "1", "99"), after: time.Minute, want: "99"},
		{name: "versions that can't be compared", cached: pod("a", "1", "x"), want: "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var w recent.Writes
			w.Put(start, pod("a", "1", "100"))
			if got := recent.Newer(&w, start.Add(tt.after), tt.cached).ResourceVersion; got != tt.want {
				t.Errorf("version %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var w recent.Writes
	if _, ok := recent.Find(&w, start, pod("a", "", "")); ok {
		t.Error("found what was never written")
	}
	w.Put(start, pod("a", "1", "100"))
	found, ok := recent.Find(&w, start, pod("a", "", ""))
	if !ok || found.UID != "1" {
		t.Fatalf("found %v, %t", found, ok)
	}
	found.Name = "changed"
	if again, ok := recent.Find(&w, start, pod("a", "", "")); !ok || again.Name != "a" {
		t.Errorf("a caller's change reached what is remembered: %v, %t", again, ok)
	}
	if _, ok := recent.Find(&w, start, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ci", Name: "a"}}); ok {
		t.Error("found an object of another kind")
	}
	w.Put(start.Add(time.Minute), pod("b", "2", "101"))
	if _, ok := recent.Find(&w, start, pod("a", "", "")); ok {
		t.Error("what is old was not forgotten")
	}
}
