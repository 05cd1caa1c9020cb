package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// What a program has started ends with it, also when that takes no notice.
func TestStopEndsTheWholeGroup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := filepath.Join(dir, "sh.log")
	p, err := startProcess(t.Context(), dir, "sh", []string{"TEXT=hello"}, "sh", "-c",
		`(trap "" TERM; echo $TEXT; exec sleep 600) & echo $!; wait`)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop() })
	if err := p.alive(); err != nil {
		t.Fatal(err)
	}
	child := childOf(t, said)
	readable(t, p)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	poll(t, "the other has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(child, 0) != nil
	})
	if err := p.stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
	if err := p.alive(); err == nil || !strings.Contains(err.Error(), "hello") {
		t.Errorf("got %v, want that it has ended and its log", err)
	}
}

// childOf waits until the shell has said which process it has started, and that
// one something else.
func childOf(t *testing.T, log string) (child int) {
	t.Helper()
	poll(t, "it has started another", func() bool {
		data, err := os.ReadFile(log)
		words := strings.Fields(string(data))
		for _, word := range words {
			if pid, err := strconv.Atoi(word); err == nil {
				child = pid
			}
		}
		return err == nil && len(words) == 2
	})
	return child
}

// readable: what is measured of a process can be read.
func readable(t *testing.T, p *process) {
	t.Helper()
	if _, err := readUsage(p.pid()); err != nil {
		t.Error(err)
	}
	if memory, err := residentMemory(p.pid()); err != nil || memory <= 0 {
		t.Errorf("its memory: %v, %v", memory, err)
	}
	if pid, err := childNamed("sh"); err != nil || pid != p.pid() {
		t.Errorf("found %d, %v, want %d", pid, err, p.pid())
	}
}

func poll(t *testing.T, what string, check func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 30*time.Second, true,
		func(context.Context) (bool, error) { return check(), nil })
	if err != nil {
		t.Fatalf("wait until %s: %v", what, err)
	}
}
