// Package process runs programs for tests and measurements: each in a process
// group of its own, that ends when it is told to and, on Linux, with its parent.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// patience is how long a program may take to end when it is told to.
	patience = 30 * time.Second
	// logTail is how much of a program's log is shown when something fails.
	logTail = 4 << 10
)

// Command is a program to start.
type Command struct {
	// Name of the program in errors.
	Name string
	// Log is the file that its output is added to.
	Log string
	// Env is added to this process's own environment.
	Env     []string
	Program string
	Args    []string
}

// Process is a program that was started here.
type Process struct {
	command Command
	cmd     *exec.Cmd
	ended   chan struct{}
	// stop ends the process and all of its group, once: later its number may be
	// another's.
	stop func() error
}

// Start starts a program. The end of the context doesn't end it: it is stopped in
// its turn.
func Start(ctx context.Context, c Command) (*Process, error) {
	p := &Process{command: c, ended: make(chan struct{})}
	p.stop = sync.OnceValue(p.end)
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer log.Close()
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), c.Program, c.Args...)
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = ownGroup()
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	return p, nil
}

// run keeps its thread for as long as the process lives: what Linux takes for a
// process's parent is the thread that has started it.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	defer close(p.ended)
	_ = p.cmd.Wait() // Who needs it alive sees that it has ended.
}

// PID is the process's number. It may be another's once Ended is closed.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop tells the process to end and, when it has or patience is over, kills what
// is left of its group. It may be called again.
func (p *Process) Stop() error { return p.stop() }

func (p *Process) end() error {
	select {
	case <-p.ended:
		return p.kill()
	default:
	}
	if err := syscall.Kill(-p.PID(), syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: %w", p.command.Name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.kill()
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not end within %s", p.command.Name, patience), p.kill())
	}
}

// Kill ends the process and its group at once, as a crash does.
func (p *Process) Kill() error { return p.kill() }

// kill ends what is left of the group.
func (p *Process) kill() error {
	if err := syscall.Kill(-p.PID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", p.command.Name, err)
	}
	<-p.ended
	return nil
}

// Alive returns an error with the end of the log if the process has ended.
func (p *Process) Alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %s\n%s", p.command.Name, p.cmd.ProcessState, p.Tail())
	default:
		return nil
	}
}

// Tail is the end of the process's log.
func (p *Process) Tail() string {
	data, err := os.ReadFile(p.command.Log)
	if err != nil {
		return err.Error()
	}
	if len(data) > logTail {
		data = data[len(data)-logTail:]
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return string(data)
}
