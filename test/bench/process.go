package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// tick is the unit in which Linux tells CPU times.
	tick = time.Second / 100
	// patience is how long a program may take to end when it is told to.
	patience = 30 * time.Second
	// logTail is how much of a program's log is shown when something fails.
	logTail = 4 << 10
)

// process is a program that was started here, in a process group of its own:
// what it has started itself ends with it.
type process struct {
	name  string
	log   string
	cmd   *exec.Cmd
	ended chan struct{}
	// stop ends the process and all of its group, once: later its number may be
	// another's.
	stop func() error
}

// startProcess starts a program that logs into the folder.
func startProcess(ctx context.Context, logs, name string, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(logs, name+".log"), ended: make(chan struct{})}
	p.stop = sync.OnceValue(p.end)
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	// It is stopped in its turn, also when the context ends.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // Who needs it alive sees that it has ended.
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) end() error {
	select {
	case <-p.ended:
		return p.kill()
	default:
	}
	if err := syscall.Kill(-p.pid(), syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.kill()
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not end within %s", p.name, patience), p.kill())
	}
}

// kill ends what is left of the group.
func (p *process) kill() error {
	if err := syscall.Kill(-p.pid(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.ended
	return nil
}

// alive returns an error with the end of the log if the process has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %s\n%s", p.name, p.cmd.ProcessState, p.tail())
	default:
		return nil
	}
}

// tail is the end of the process's log.
func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(data) > logTail {
		data = data[len(data)-logTail:]
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return string(data)
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
func residentMemory(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of a process: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("read the memory of a process: no VmRSS")
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
