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
// whichever is faster, and that is the one whose error is returned. A panic goes on
// in the caller, who may be prepared for one.
func each(n int, do func(i int) error) error {
	errs, panics := make([]error, n), make([]string, n)
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
			defer func() {
				if cause := recover(); cause != nil {
					panics[i] = fmt.Sprintf("%v\n%s", cause, debug.Stack())
					failed.Store(true)
				}
			}()
			if errs[i] = do(i); errs[i] != nil {
				failed.Store(true)
			}
		})
	}
	running.Wait()
	for i, err := range errs {
		if panics[i] != "" {
			panic(panics[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}
