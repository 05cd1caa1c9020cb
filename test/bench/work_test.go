package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, message := filepath.Join(dir, "dist"), filepath.Join(dir, "message")
	work := func(args ...string) map[string]string {
		if err := workMain(t.Context(), append(args, "-folder="+folder, "-message="+message)); err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		if data, err := os.ReadFile(message); err != nil || json.Unmarshal(data, &said) != nil || said[beganOutput] == "" || said[endedOutput] < said[beganOutput] {
			t.Errorf("it says %q, %v", data, err)
		}
		sizes := map[string]string{}
		entries, err := os.ReadDir(folder)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			sizes[entry.Name()] = strings.Repeat("x", len(data))
		}
		return sizes
	}
	if diff := cmp.Diff(map[string]string{}, work()); diff != "" {
		t.Errorf("of nothing (-want +got):\n%s", diff)
	}
	want := map[string]string{"0": strings.Repeat("x", 25), "1": strings.Repeat("x", 25)}
	if diff := cmp.Diff(want, work("-bytes=50", "-files=2")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, work("-bytes=500", "-files=3")); diff != "" {
		t.Errorf("what is there stays (-want +got):\n%s", diff)
	}
}

// TestJobPair: what is added is the difference within a round.
func TestJobPair(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := &bench{report: report{out: &out}}
	b.jobPair("jobs/small", []jobTook{{1, 2, 3}, {10, 2, 6}}, []jobTook{{1, 2, 1}, {9, 1, 2}})
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); strings.HasSuffix(fields[0], "/p100") {
			got[strings.TrimSuffix(fields[0], "/p100")] = fields[1] + " " + fields[2]
		}
	}
	want := map[string]string{
		"jobs/small/added": "6 s", "jobs/small/added/before": "1 s", "jobs/small/added/program": "1 s", "jobs/small/added/after": "4 s",
		"jobs/small/wall": "18 s", "jobs/small/ratio": "1.5 x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
