//go:build !linux || race

package render

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// limitMemory watches the heap, where the kernel has no limit that fits Go's
// memory (other systems, and the race detector's shadow memory), and ends the
// process with the text that the runtime would use.
func limitMemory(bytes int64) error {
	debug.SetMemoryLimit(bytes * 9 / 10)
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for range time.Tick(20 * time.Millisecond) {
			metrics.Read(sample)
			if sample[0].Value.Uint64() > uint64(bytes) {
				fmt.Fprintln(os.Stderr, outOfMemory)
				os.Exit(2)
			}
		}
	}()
	return nil
}
