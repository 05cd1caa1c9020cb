//go:build linux && !race

package render

import (
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// runtimeReserve is what a Go process maps before it does anything, and the
// slack between what the collector counts and what the kernel does.
const runtimeReserve = 64 << 20

// limitMemory makes the kernel refuse more private writable memory than the
// limit, on which the Go runtime ends the process. RLIMIT_DATA and not
// RLIMIT_AS, because Go reserves far more addresses than it uses. The soft limit
// below it has the collector try hard first.
func limitMemory(bytes int64) error {
	debug.SetMemoryLimit(bytes * 9 / 10)
	limit := uint64(bytes + runtimeReserve)
	return unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit})
}
