package view_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/runs/view"
)

func TestUsual(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	job := func(name string, state view.State, seconds int) view.Job {
		j := view.Job{Name: name, State: state}
		j.Times.Running = view.Span{From: begin, To: begin.Add(time.Duration(seconds) * time.Second)}
		return j
	}
	reused := job("test", view.Succeeded, 1)
	reused.ReusedFrom = "web-1"
	runs := []view.Run{
		{Jobs: []view.Job{job("lint", view.Succeeded, 5), job("test", view.Failed, 60), job("slow", view.Cancelled, 5)}},
		{Jobs: []view.Job{job("lint", view.Succeeded, 7), job("test", view.Tolerated, 50)}},
		{Jobs: []view.Job{job("lint", view.Succeeded, 100), reused, {Name: "new", State: view.Skipped}}},
	}
	want := map[string]time.Duration{"lint": 7 * time.Second, "test": time.Minute}
	if diff := cmp.Diff(want, view.Usual(runs)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
