package apply

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// atOnce is how many objects are tried or applied at a time. A request takes the
// API server several milliseconds, most of them waiting for its webhooks and its
// storage; many more at a time would be in the way of others.
const atOnce = 8

// each does something to n items, atOnce of them at a time. They are begun in their
// order, and none is after one has failed. So the first that fails is the same
// whichever is faster, and that is the one whose error is returned.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	var failed atomic.Bool
	var running sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for i := range n {
		places <- struct{}{}
		if failed.Load() {
			break
		}
		running.Go(func() {
			defer func() { <-places }()
			if errs[i] = guarded(func() error { return do(i) }); errs[i] != nil {
				failed.Store(true)
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// guarded turns a panic into an error: one on a goroutine of its own would end the
// process, for what a single commit says.
func guarded(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("a fault of KayCI: %v\n%s", cause, debug.Stack())
		}
	}()
	return do()
}
