package render

import (
	"os/exec"
	"syscall"
)

// There are no groups of processes here. The child starts no process of its own.
func processGroup() *syscall.SysProcAttr { return nil }

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
