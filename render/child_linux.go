package render

import "syscall"

// processGroup has the kernel end the child if this process dies first.
func processGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
