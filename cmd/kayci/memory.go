package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// Variables that Go's runtime takes its memory limit and its percentage of garbage
// from.
const (
	envGoMemory  = "GOMEMLIMIT"
	envGoPercent = "GOGC"
)

// garbage is how much of it there may be before it is collected: so many percent of
// what is in use, and so many bytes in any case. Go's own rule, as much as is in use,
// collects that of a small process without need, and lets a large one take twice its
// memory.
type garbage struct {
	percent   int
	inAnyCase uint64
}

// controllerGarbage is much, since the controller makes much, and storeGarbage little.
func controllerGarbage() garbage { return garbage{50, 48 << 20} }
func storeGarbage() garbage      { return garbage{25, 12 << 20} }

const maxGarbagePercent = 1_000

// limitMemory lets Go collect garbage in time for the container's limit. Without
// that the heap may grow to twice of what is in use, and the kernel kills the
// process though half of it is garbage. Who sets GOMEMLIMIT knows better.
func limitMemory(container, children int64) {
	if os.Getenv(envGoMemory) != "" {
		return
	}
	if limit := goMemory(container, children); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// goMemory is the part of a container's memory that this process may take beside
// its child processes, less a tenth for what Go doesn't count: the program itself,
// the kernel's part. Where little or nothing is left it is a quarter of all, since
// a heap without room would do nothing but collect garbage. 0: no limit.
func goMemory(container, children int64) int64 {
	if container <= 0 {
		return 0
	}
	left := container - children
	return max(left-left/10, container/4)
}

// paceGarbage sets how much garbage there may be, after each collection anew. Who
// sets GOGC knows better.
func paceGarbage(g garbage) {
	if os.Getenv(envGoPercent) != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := g.percent
	collected := func() {
		metrics.Read(live)
		if percent := g.beside(live[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
	}
	debug.SetGCPercent(set)
	afterEachCollection(collected)
}

// beside is the garbage there may be beside so many bytes in use, in percent.
func (g garbage) beside(inUse uint64) int {
	return int(min(max(uint64(g.percent), 100*g.inAnyCase/max(inUse, 1)), maxGarbagePercent))
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
