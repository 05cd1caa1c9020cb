package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheTableOfResults(t *testing.T) {
	t.Parallel()
	var results bytes.Buffer
	r := &report{out: &results}
	r.line("machine/cores", 2, "cores")
	r.line("machine/memory", 8, "GiB")
	r.text("machine/go", "1.26.8")
	r.text("machine/kubernetes", "v1.36.3")
	r.against("burst/wall", 18, 12, "s")
	r.each("burst/requests", map[string]float64{"POST": 1500, "GET": 1}, 300, "requests/run")
	r.line("history/kept-500/cpu", 12345.6, "s")
	lines := strings.Join([]string{
		"machine/cores 2 cores", "machine/memory 8 GiB", "machine/go 1.26.8 version", "machine/kubernetes v1.36.3 version",
		"burst/wall/kayci 18 s", "burst/wall/floor 12 s", "burst/wall/ratio 1.5 x",
		"burst/requests/GET 0.00333 requests/run", "burst/requests/POST 5 requests/run",
		"history/kept-500/cpu 12346 s", "",
	}, "\n")
	if diff := cmp.Diff(lines, results.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}

	var got bytes.Buffer
	if err := table(strings.NewReader("==> bench: what make says\n"+lines), &got); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"2 cores, 8 GiB of memory, Go 1.26.8, Kubernetes v1.36.3:", "",
		"| Row | KayCI | Floor | Ratio | Unit |", "|---|---:|---:|---:|---|",
		"| `burst/wall` | 18 | 12 | 1.5 | s |",
		"| `burst/requests/GET` | 0.00333 |  |  | requests/run |",
		"| `burst/requests/POST` | 5 |  |  | requests/run |",
		"| `history/kept-500/cpu` | 12346 |  |  | s |", "",
	}, "\n")
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestTheProcessorTimeOfAProcess(t *testing.T) {
	t.Parallel()
	stat := "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 25 30 40 20 0 9 0 1 2 3\n"
	parent, got, err := parseStat(stat)
	if err != nil || parent != 7 {
		t.Fatalf("parent %d, %v", parent, err)
	}
	want := usage{own: 1750 * time.Millisecond, children: 700 * time.Millisecond}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, stat := range []string{"", "42 (a) S 7", strings.Replace(stat, " 150 ", " x ", 1)} {
		if _, _, err := parseStat(stat); err == nil {
			t.Errorf("%q: no error", stat)
		}
	}
}

func TestTheMemoryOfAMachine(t *testing.T) {
	t.Parallel()
	got, err := totalMemory("MemFree: 1 kB\nMemTotal:       2048 kB\n")
	if want := float64(2 << 20); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := totalMemory("MemFree: 1 kB\n"); err == nil {
		t.Error("no error")
	}
}

func TestTheResultsOfGoBenchmarks(t *testing.T) {
	t.Parallel()
	got := benchmarks(strings.Join([]string{
		"goos: linux",
		"BenchmarkDecide/0-services-2   \t 372\t 3237322 ns/op\t 219312 B/op\t 1289 allocs/op",
		"BenchmarkDecide/16-services    \t  13\t 1.5 ns/op",
		"PASS",
	}, "\n"))
	want := []benchmark{
		{"0-services/ns", 3237322, "ns/op"},
		{"0-services/B", 219312, "B/op"},
		{"0-services/allocs", 1289, "allocs/op"},
		{"16-services/ns", 1.5, "ns/op"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(benchmark{})); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// The heap that lives is what Go prints last, whatever else is logged.
func TestTheHeapOfTheLog(t *testing.T) {
	t.Parallel()
	got, err := lastHeap(strings.Join([]string{
		"gc 1 @0.012s 3%: 0.02+0.8+0.01 ms clock, 0.04+0.3/0.5/0+0.03 ms cpu, 4->5->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P",
		`{"level":"info","msg":"serving the page"}`,
		"gc 12 @9.1s 1%: 0.02+0.8+0.01 ms clock, 0.04+0.3/0.5/0+0.03 ms cpu, 40->41->17 MB, 36 MB goal, 0 MB stacks, 0 MB globals, 2 P",
	}, "\n"))
	if want := 17.0 * mebibyte; err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := lastHeap("nothing\n"); err == nil {
		t.Error("no error")
	}
}

func TestTheSpreadOfValues(t *testing.T) {
	t.Parallel()
	var results bytes.Buffer
	r := &report{out: &results}
	r.delays("delay", []time.Duration{4 * time.Millisecond, time.Millisecond, 3 * time.Millisecond, 2 * time.Millisecond})
	r.spread("none", nil, "x")
	want := "delay/p0 1 ms\ndelay/p25 2 ms\ndelay/p50 3 ms\ndelay/p75 4 ms\ndelay/p95 4 ms\ndelay/p100 4 ms\n"
	if diff := cmp.Diff(want, results.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// What a program in a container prints is what is awaited of it.
func TestPrint(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := printMain(t.Context(), []string{"-lines=3"}, &out); err != nil {
		t.Fatal(err)
	}
	if want := logLine(0) + logLine(1) + logLine(2); out.String() != want || len(want) != 3*104 {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	if err := printMain(t.Context(), []string{"-lines=2", "-every=1ms"}, &out); err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("printed %q, %v", out.String(), err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{args: nil},
		{args: []string{"-run=sync,decide", "-pipelines=10", "-files=10"}},
		{args: []string{"-run=syncs"}, want: `-run: there is no scenario "syncs", only decide,burst,history,memory,sync,webhooks,page,store,logs,jobs`},
		{args: []string{"-job-size=0"}, want: "sizes of jobs must be at least 1"},
		{args: []string{"-kept=0"}, want: "sizes must be at least 1, and pipelines as many as files"},
		{args: []string{"-followers=501"}, want: "sizes of the page must be at least 1, and followers 500 at most"},
		{args: []string{"-pipelines=3", "-files=4"}, want: "sizes must be at least 1, and pipelines as many as files"},
	} {
		got := ""
		if err := (&bench{}).parse(tt.args); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got error %q, want %q", tt.args, got, tt.want)
		}
	}
}
