package web

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/view"
)

func TestBars(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	span := func(from, to int) view.Span {
		return view.Span{From: begin.Add(time.Duration(from) * time.Second), To: begin.Add(time.Duration(to) * time.Second)}
	}
	run := &view.Run{Created: begin, Ended: begin.Add(200 * time.Second), Jobs: []view.Job{
		{Times: view.Times{Queued: span(0, 20), Pulling: span(20, 30), Running: span(30, 130)}},
		{Times: view.Times{Running: span(100, 100)}},
		{},
		{ReusedFrom: "web-1", Times: view.Times{Running: span(-500, -400)}},
		{Times: view.Times{Running: span(-20, 300)}},
	}}
	want := []bars{
		{Queued: bar{"0.00%", "10.00%"}, Pulling: bar{"10.00%", "5.00%"}, Running: bar{"15.00%", "50.00%"}},
		{Running: bar{"50.00%", "0.50%"}},
		{},
		{},
		{Running: bar{"0.00%", "100.00%"}},
	}
	if diff := cmp.Diff(want, barsOf(run, begin)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A Run that goes on is drawn to now, and one that has just begun not at all.
	run.Ended = time.Time{}
	if got := barsOf(run, begin.Add(400*time.Second))[1].Running.From; got != "25.00%" {
		t.Errorf("while it goes on: %s", got)
	}
	if diff := cmp.Diff(make([]bars, 5), barsOf(run, begin)); diff != "" {
		t.Errorf("at its begin (-want +got):\n%s", diff)
	}
}

func TestStrips(t *testing.T) {
	t.Parallel()
	s := strips{}
	for number := int64(1); number <= 100; number++ {
		s.add(&v1alpha1.Run{Spec: v1alpha1.RunSpec{Pipeline: "web"}, Status: v1alpha1.RunStatus{Number: (number*37)%100 + 1, Phase: v1alpha1.RunFailed}})
	}
	s.add(&v1alpha1.Run{Spec: v1alpha1.RunSpec{Pipeline: "web"}})
	var want []result
	for number := int64(92); number <= 100; number++ {
		want = append(want, result{Number: number, State: view.Failed})
	}
	want = append(want, result{State: view.Queued})
	if diff := cmp.Diff([]strip{{Pipeline: "api"}, {"web", want}}, s.of([]string{"web", "api"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
