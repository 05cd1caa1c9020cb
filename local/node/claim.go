package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// runDir is on a file system that a restart of the machine empties.
const runDir = "/run/kayci-local"

// Lock keeps other starts and stops of the machine's cluster waiting.
func (n *Node) Lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(runDir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for the lock: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(runDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	try := func(context.Context) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
	if try(ctx) != nil {
		never := func(context.Context) error { return nil }
		if err := n.out.Wait(ctx, "another kayci-local has done its work", 30*time.Minute, try, never); err != nil {
			f.Close()
			return nil, err
		}
	}
	return func() { f.Close() }, nil
}

// Claimed returns the state folder of the cluster that was started on this
// machine, or "".
func (n *Node) Claimed() (string, error) {
	text, err := os.ReadFile(filepath.Join(runDir, "state"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read which cluster the machine has: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// CheckClaim fails if the machine has a cluster in another folder: what that
// holds of the machine goes by the same names.
func (n *Node) CheckClaim() error {
	state, err := n.Claimed()
	if err == nil && state != "" && state != n.values.State {
		err = fmt.Errorf("this machine's cluster is in %s: set KAYCI_LOCAL_STATE to that", state)
	}
	return err
}

func (n *Node) claim() error {
	if err := os.WriteFile(filepath.Join(runDir, "state"), []byte(n.values.State+"\n"), 0o600); err != nil {
		return fmt.Errorf("write which cluster the machine has: %w", err)
	}
	return nil
}

func (n *Node) unclaim() error {
	err := os.Remove(filepath.Join(runDir, "state"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
