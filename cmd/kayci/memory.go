package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/kayci/kayci/render"
)

// Variables that Go's runtime takes its memory limit and its percentage of garbage
// from.
const (
	envGoMemory  = "GOMEMLIMIT"
	envGoPercent = "GOGC"
)

// Garbage may grow to half of what is in use, and to 48 MiB in any case, before it
// is collected. Go's own rule, as much as is in use, collects that of a small
// process without need, and lets a large one take twice its memory.
const (
	garbagePercent    = 50
	maxGarbagePercent = 1_000
	garbageInAnyCase  = 48 << 20
)

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

// paceGarbage sets how much garbage there may be, after each collection anew. Who
// sets GOGC knows better.
func paceGarbage() {
	if os.Getenv(envGoPercent) != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := garbagePercent
	collected := func() {
		metrics.Read(live)
		if percent := goPercent(live[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
	}
	debug.SetGCPercent(set)
	afterEachCollection(collected)
}

// goPercent is the garbage there may be beside so many bytes in use, in percent.
func goPercent(inUse uint64) int {
	return int(min(max(garbagePercent, 100*garbageInAnyCase/max(inUse, 1)), maxGarbagePercent))
}

// afterEachCollection calls for each collection of garbage. Calls don't overlap.
func afterEachCollection(call func()) {
	type sentinel struct{ _ *byte } // With a pointer it shares its memory with nothing.
	var arm func()
	arm = func() {
		runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
			call()
			arm()
		})
	}
	arm()
}

// returned gives back to the kernel what filling the cache took, once: the lists
// that the API server sends are several times what is kept of them.
type returned struct{ cache cache.Cache }

// Start returns when that is done.
func (r returned) Start(ctx context.Context) error {
	if r.cache.WaitForCacheSync(ctx) {
		debug.FreeOSMemory()
	}
	return nil
}

// NeedLeaderElection says that each replica does so: each has the cache.
func (r returned) NeedLeaderElection() bool { return false }
