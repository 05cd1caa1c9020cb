package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine prints what the measurements are of, but for where it is.
func (b *bench) machine() error {
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return fmt.Errorf("find this machine's memory; benchmarks need Linux: %w", err)
	}
	total, err := totalMemory(string(memory))
	if err != nil {
		return err
	}
	b.line(machinePrefix+"cores", float64(runtime.NumCPU()), "cores")
	b.line(machinePrefix+"memory", total/(1<<30), "GiB")
	b.text(machinePrefix+"go", strings.TrimPrefix(runtime.Version(), "go"))
	return nil
}

// components prints the version of the cluster.
func (b *bench) components(ctx context.Context) error {
	server := filepath.Join(os.Getenv(assetsVariable), "kube-apiserver")
	out, err := exec.CommandContext(ctx, server, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask the API server for its version: %w", err)
	}
	version := strings.Fields(string(out))
	if len(version) == 0 {
		return errors.New("ask the API server for its version: it says nothing")
	}
	b.text(machinePrefix+"kubernetes", version[len(version)-1])
	return nil
}

// totalMemory reads it from /proc/meminfo, in bytes.
func totalMemory(meminfo string) (float64, error) {
	for line := range strings.Lines(meminfo) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib * kibibyte, err
		}
	}
	return 0, errors.New("find this machine's memory: no MemTotal")
}
