package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Spec says what to start, and where its output and its record go.
type Spec struct {
	Path    string
	Args    []string // Args[0] is the name that the program is called by
	Env     []string
	Log     string
	PIDFile string
}

// Start starts a program in a session of its own, so that neither a closed
// terminal nor an interrupt of the starter ends it.
func Start(t Table, s Spec) (Record, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return Record{}, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: s.Path, Args: s.Args, Env: s.Env, Dir: "/", Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return Record{}, fmt.Errorf("start %s: %w", s.Args[0], err)
	}
	r, err := t.Identify(cmd.Process.Pid)
	if err == nil {
		err = r.write(s.PIDFile)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return Record{}, err
	}
	// Nobody needs its result, but a child that is never waited for stays.
	go func() { _ = cmd.Wait() }()
	return r, nil
}

// Stop asks a process to end, and kills it after grace. No grace: at once.
func Stop(ctx context.Context, t Table, r Record, grace time.Duration) error {
	if !t.Runs(r) {
		return nil
	}
	if grace > 0 {
		_ = syscall.Kill(r.PID, syscall.SIGTERM)
		if t.gone(ctx, r, grace) {
			return nil
		}
	}
	if t.Runs(r) {
		_ = syscall.Kill(r.PID, syscall.SIGKILL)
	}
	if !t.gone(ctx, r, 10*time.Second) {
		return fmt.Errorf("process %d has been killed and doesn't end", r.PID)
	}
	return nil
}

func (t Table) gone(ctx context.Context, r Record, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for t.Runs(r) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
