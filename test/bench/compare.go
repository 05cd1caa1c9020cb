package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// logReader is a log, and the programs that read it.
type logReader struct {
	kayci, kubectl, kubeconfig string
	namespace, run, pod        string
	lines                      int
}

// readOnce is what it took to read a log once.
type readOnce struct {
	wall, cpu time.Duration
}

// compareLogs has `kayci logs` and `kubectl logs` read the same log in turn, into a file:
// kubectl also with the times of lines, which KayCI reads to be able to go on.
func (b *bench) compareLogs(ctx context.Context, name string, r logReader) error {
	commands := [][]string{
		{r.kayci, "logs", r.run, "--no-prefix", "--namespace=" + r.namespace},
		{r.kubectl, "logs", r.pod, "--namespace=" + r.namespace},
		{r.kubectl, "logs", r.pod, "--namespace=" + r.namespace, "--timestamps"},
	}
	took := make([][]readOnce, len(commands))
	for round := range b.sizes.pairs + 1 {
		for turn := range commands {
			which := (turn + round) % len(commands)
			once, err := r.read(ctx, commands[which])
			if err != nil {
				return err
			}
			// The first round finds nothing in the caches of files.
			if round > 0 {
				took[which] = append(took[which], once)
			}
		}
	}
	ours, plain, timed := took[0], took[1], took[2]
	b.against(name+"/wall", median(ours, wallOf), median(plain, wallOf), "s")
	b.against(name+"/cpu", median(ours, cpuOf), median(plain, cpuOf), "s")
	b.spread(name+"/pairs", ratios(ours, plain), "x")
	b.spread(name+"/pairs-with-times", ratios(ours, timed), "x")
	return nil
}

func ratios(ours, theirs []readOnce) []float64 {
	all := make([]float64, len(ours))
	for i := range ours {
		all[i] = wallOf(ours[i]) / wallOf(theirs[i])
	}
	return all
}

func wallOf(r readOnce) float64 { return r.wall.Seconds() }
func cpuOf(r readOnce) float64  { return r.cpu.Seconds() }

func median(all []readOnce, of func(readOnce) float64) float64 {
	values := make([]float64, len(all))
	for i, r := range all {
		values[i] = of(r)
	}
	slices.Sort(values)
	return percentile(values, 50)
}

// read reads the log by a command, and counts its lines.
func (r logReader) read(ctx context.Context, command []string) (readOnce, error) {
	path := filepath.Join(os.TempDir(), "log")
	file, err := os.Create(path)
	if err != nil {
		return readOnce{}, err
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+r.kubeconfig)
	cmd.Stdout, cmd.Stderr = file, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return readOnce{}, fmt.Errorf("run %q: %w", command, err)
	}
	took := readOnce{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	info, err := file.Stat()
	if err != nil {
		return readOnce{}, err
	}
	if want := int64(r.lines * len(logLine(0))); info.Size() < want {
		return readOnce{}, fmt.Errorf("%q has printed %d bytes of %d: a node that rotates a log loses some of it, measure again", command, info.Size(), want)
	}
	return took, nil
}
