package main

import "testing"

// What is measured of a process can be read.
func TestMeasuresOfAProcess(t *testing.T) {
	t.Parallel()
	p, err := startProcess(t.Context(), t.TempDir(), "sleep", nil, "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	if _, err := readUsage(p.PID()); err != nil {
		t.Error(err)
	}
	if memory, err := residentMemory(p.PID()); err != nil || memory <= 0 {
		t.Errorf("its memory: %v, %v", memory, err)
	}
	if pid, err := childNamed("sleep"); err != nil || pid != p.PID() {
		t.Errorf("found %d, %v, want %d", pid, err, p.PID())
	}
}
