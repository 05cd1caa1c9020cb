//go:build unix

package main

import "syscall"

// shareWithGroup lets the group of new files write to them.
func shareWithGroup() { syscall.Umask(0o002) }
