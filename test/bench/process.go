package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kayci/kayci/test/process"
)

// tick is the unit in which Linux tells CPU times.
const tick = time.Second / 100

// startProcess starts a program that logs into the folder.
func startProcess(ctx context.Context, logs, name string, env []string, program string, args ...string) (*process.Process, error) {
	return process.Start(ctx, process.Command{
		Name: name, Log: filepath.Join(logs, name+".log"), Env: env, Program: program, Args: args,
	})
}

// usage is CPU time that a process has had, of its own and in children that have
// ended.
type usage struct {
	own, children time.Duration
}

func (u usage) all() time.Duration { return u.own + u.children }

func (u usage) since(before usage) usage {
	return usage{own: u.own - before.own, children: u.children - before.children}
}

func readUsage(pid int) (usage, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, fmt.Errorf("read the CPU time of a process: %w", err)
	}
	_, u, err := parseStat(string(data))
	return u, err
}

// parseStat reads a process's parent and CPU time from its /proc/<pid>/stat. The
// name of the program, in parentheses, may hold anything.
func parseStat(stat string) (parent int, u usage, err error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const ppid, utime, stime, cutime, cstime = 1, 11, 12, 13, 14
	if len(fields) <= cstime {
		return 0, usage{}, fmt.Errorf("no line of /proc/<pid>/stat: %q", stat)
	}
	values := map[int]int{}
	for _, i := range []int{ppid, utime, stime, cutime, cstime} {
		if values[i], err = strconv.Atoi(fields[i]); err != nil {
			return 0, usage{}, fmt.Errorf("no line of /proc/<pid>/stat: %q: %w", stat, err)
		}
	}
	return values[ppid], usage{
		own:      time.Duration(values[utime]+values[stime]) * tick,
		children: time.Duration(values[cutime]+values[cstime]) * tick,
	}, nil
}

// residentMemory is the memory of a process that is not swapped out, in bytes.
func residentMemory(pid int) (float64, error) { return readStatus(pid, "VmRSS:") }

// mostResident is the most of it that the process ever had, in bytes.
func mostResident(pid int) (float64, error) { return readStatus(pid, "VmHWM:") }

func readStatus(pid int, field string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == field {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("read the memory of a process: no %s", field)
}

// childNamed returns the process of that name that this one has started.
func childNamed(name string) (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte("("+name+")")) {
			continue // It has ended, or is another.
		}
		if parent, _, err := parseStat(string(data)); err == nil && parent == os.Getpid() {
			return strconv.Atoi(filepath.Base(filepath.Dir(path)))
		}
	}
	return 0, fmt.Errorf("no process %s was started here", name)
}
