package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const mebibyte, kibibyte = 1 << 20, 1 << 10

// burst has many Runs start at once.
func (b *bench) burst(ctx context.Context, c *cluster) error {
	const floorNamespace = "floor"
	if err := c.namespace(ctx, floorNamespace); err != nil {
		return err
	}
	progress("burst: the floor program creates %d chains of %d Jobs", b.burstRuns, chainLength)
	floor, err := runFloor(ctx, c, "-namespace="+floorNamespace, "-count="+strconv.Itoa(b.burstRuns))
	if err != nil {
		return err
	}
	return b.withRuns(ctx, c, func(k *kayci, r *runs) error {
		if err := b.warm(ctx); err != nil {
			return err
		}
		progress("burst: %d Runs of %d jobs", b.burstRuns, chainLength)
		seconds, took, err := measure(ctx, k, r, b.burstRuns)
		if err != nil {
			return err
		}
		count := float64(b.burstRuns)
		b.against("burst/wall", seconds, floor.Seconds, "s")
		b.against("burst/cpu", took.kayci.own.Seconds(), floor.cpu.Seconds(), "s")
		b.against("burst/apiserver-cpu", took.server.own.Seconds(), floor.server.Seconds(), "s")
		b.against("burst/requests", took.total()/count, sample{requests: floor.Requests}.total()/count, "requests/run")
		b.each("burst/requests/by-method", took.requests, count, "requests/run")
		b.line("burst/conflicts", took.conflicts, "requests")
		return nil
	})
}

// history has as many Runs start again and again, while all of them are kept.
func (b *bench) history(ctx context.Context, c *cluster) error {
	return b.withRuns(ctx, c, func(k *kayci, r *runs) error {
		if err := b.warm(ctx); err != nil {
			return err
		}
		var first float64
		for round := range b.rounds {
			kept := round * b.roundRuns
			progress("history: %d Runs with %d finished ones kept", b.roundRuns, kept)
			seconds, took, err := measure(ctx, k, r, b.roundRuns)
			if err != nil {
				return err
			}
			name := "history/kept-" + strconv.Itoa(kept)
			cpu := took.kayci.own.Seconds()
			if round == 0 {
				first = cpu
			}
			b.line(name+"/wall", seconds, "s")
			b.line(name+"/apiserver-cpu", took.server.own.Seconds(), "s")
			b.line(name+"/requests", took.total()/float64(b.roundRuns), "requests/run")
			b.line(name+"/cpu", cpu, "s")
			if round > 0 && first > 0 {
				b.line(name+"/cpu/to-the-first", cpu/first, "x")
			}
		}
		return nil
	})
}

// memory has many finished Runs kept.
func (b *bench) memory(ctx context.Context, c *cluster) error {
	var resident, heap float64
	err := b.withRuns(ctx, c, func(k *kayci, r *runs) error {
		var err error
		if resident, heap, err = k.memory(ctx); err != nil {
			return err
		}
		b.line("memory/none-kept/rss", resident/mebibyte, "MiB")
		b.line("memory/none-kept/heap", heap/mebibyte, "MiB")
		if err := r.keep(ctx, b.kept); err != nil {
			return err
		}
		if err := c.settle(ctx, k.Process); err != nil {
			return err
		}
		return b.weigh(ctx, k, "memory/after-the-last", resident, heap)
	})
	if err != nil {
		return err
	}
	progress("memory: a leader that finds %d finished Runs", b.kept)
	return b.withKayCI(ctx, c, func(k *kayci) error {
		return b.weigh(ctx, k, "memory/restarted", resident, heap)
	})
}

// weigh prints what a leader holds that keeps all Runs, and what each of them
// adds to what it held without.
func (b *bench) weigh(ctx context.Context, k *kayci, name string, resident, heap float64) error {
	residentNow, heapNow, err := k.memory(ctx)
	if err != nil {
		return err
	}
	count := float64(b.kept)
	b.line(name+"/rss", residentNow/mebibyte, "MiB")
	b.line(name+"/rss/each", (residentNow-resident)/count/kibibyte, "KiB/run")
	b.line(name+"/heap", heapNow/mebibyte, "MiB")
	b.line(name+"/heap/each", (heapNow-heap)/count/kibibyte, "KiB/run")
	return nil
}

// measure has Runs start at once. It returns how many seconds they took, and
// what was taken until nothing was left to do.
func measure(ctx context.Context, k *kayci, r *runs, count int) (float64, sample, error) {
	before, err := k.sample(ctx)
	if err != nil {
		return 0, sample{}, err
	}
	wall, err := r.run(ctx, count)
	if err != nil {
		return 0, sample{}, err
	}
	if err := k.cluster.settle(ctx, k.Process); err != nil {
		return 0, sample{}, err
	}
	after, err := k.sample(ctx)
	return wall.Seconds(), after.since(before), err
}

// warm waits until KayCI takes Runs for no older than itself: it asks the API
// server about those before it creates their Jobs.
func (b *bench) warm(ctx context.Context) error {
	if b.warmUp > 0 {
		progress("wait %s, for KayCI to be no newcomer", b.warmUp)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.warmUp):
		return nil
	}
}

// withKayCI has the program run meanwhile.
func (b *bench) withKayCI(ctx context.Context, c *cluster, work func(*kayci) error) (err error) {
	k, err := startKayCI(ctx, c, b.kayci, c.logs)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nKayCI's log ends with:\n%s", err, k.Tail())
		}
		err = errors.Join(err, k.Stop())
	}()
	return work(k)
}

// withRuns has the program run meanwhile, and a first Run has succeeded.
func (b *bench) withRuns(ctx context.Context, c *cluster, work func(*kayci, *runs) error) error {
	return b.withKayCI(ctx, c, func(k *kayci) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		r, err := newRuns(ctx, c, runsNamespace)
		if err != nil {
			return err
		}
		if err := c.settle(ctx, k.Process); err != nil {
			return err
		}
		return work(k, r)
	})
}
