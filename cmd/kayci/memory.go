package main

import (
	"os"
	"runtime/debug"

	"github.com/kayci/kayci/render"
)

// envGoMemory is the variable that Go's runtime takes its memory limit from.
const envGoMemory = "GOMEMLIMIT"

// limitMemory lets Go collect garbage in time for the container's limit. Without
// that the heap may grow to twice of what is in use, and the kernel kills the
// process though half of it is garbage. Who sets GOMEMLIMIT knows better.
func limitMemory(container int64) {
	if os.Getenv(envGoMemory) != "" {
		return
	}
	if limit := goMemory(container); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// goMemory is the part of a container's memory that this process may take beside
// the evaluation's child process, less a tenth for what Go doesn't count: the
// program itself, the kernel's part. Where little or nothing is left it is a
// quarter of all, since a heap without room would do nothing but collect garbage.
// 0: no limit.
func goMemory(container int64) int64 {
	if container <= 0 {
		return 0
	}
	left := container - render.DefaultMemory
	return max(left-left/10, container/4)
}
