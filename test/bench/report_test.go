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

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{args: nil},
		{args: []string{"-run=sync,decide", "-pipelines=10", "-files=10"}},
		{args: []string{"-run=syncs"}, want: `-run: there is no scenario "syncs", only decide,burst,history,memory,sync,webhooks`},
		{args: []string{"-kept=0"}, want: "sizes must be at least 1, and pipelines as many as files"},
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
