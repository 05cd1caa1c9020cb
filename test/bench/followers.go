package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// following is what is seen of viewers who follow logs.
type following struct {
	mu     sync.Mutex
	delays []time.Duration
	// resident is the most memory that the page had, in bytes.
	resident float64
}

// followers has viewers each follow a log of their own, with the page of its Run open,
// and looks at the page's memory meanwhile.
func (b *bench) followers(ctx context.Context, s *site) error {
	progress("page: %d viewers follow logs of %d lines a second for %s", b.sizes.followers, b.sizes.perSecond, b.sizes.followed)
	resident, err := residentMemory(s.PID())
	if err != nil {
		return err
	}
	b.line("page/followers/none/rss", resident/mebibyte, "MiB")
	watching, stop := context.WithCancel(ctx)
	defer stop()
	tabs, watching := errgroup.WithContext(watching)
	f := &following{}
	for i := range b.sizes.followers {
		run := fmt.Sprintf("follow-%d", i)
		if err := printed(ctx, s.cluster, run, "main", false); err != nil {
			return err
		}
		token, err := s.token(ctx)
		if err != nil {
			return err
		}
		browser := &http.Client{Transport: &http.Transport{}}
		tabs.Go(func() error { return ended(watching, s.watch(watching, browser, token, run)) })
		tabs.Go(func() error {
			return ended(watching, s.follow(watching, browser, token, run, f.note))
		})
	}
	err = b.await(watching, s, f)
	stop()
	return errors.Join(err, tabs.Wait())
}

// ended is an error unless the end was asked for.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return fmt.Errorf("a viewer follows a Run no more: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// watch has the page of a Run open, until the context ends.
func (s *site) watch(ctx context.Context, by *http.Client, token, run string) error {
	answer, err := s.open(ctx, by, token, "/ns/"+s.namespace+"/runs/"+run+"/events")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// note takes when a line was printed that has arrived.
func (f *following) note(line framed) {
	took := time.Since(line.printed)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delays = append(f.delays, took)
}

// await measures for as long as viewers follow, once all of them do.
func (b *bench) await(ctx context.Context, s *site, f *following) error {
	if err := s.connected(ctx, 2*b.sizes.followers); err != nil {
		return err
	}
	f.mu.Lock()
	f.delays = nil
	f.mu.Unlock()
	before, err := s.used(ctx)
	if err != nil {
		return err
	}
	for began := time.Now(); time.Since(began) < b.sizes.followed; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(time.Second, b.sizes.followed)):
		}
		resident, err := residentMemory(s.PID())
		if err != nil {
			return err
		}
		f.resident = max(f.resident, resident)
	}
	after, err := s.used(ctx)
	if err != nil {
		return err
	}
	heap, err := s.heap()
	if err != nil {
		return err
	}
	took := after.at.Sub(before.at).Seconds()
	f.mu.Lock()
	defer f.mu.Unlock()
	b.line("page/followers/rss", f.resident/mebibyte, "MiB")
	b.line("page/followers/heap", heap/mebibyte, "MiB")
	b.line("page/followers/cpu", (after.cpu-before.cpu).Seconds()/took, "cores")
	b.line("page/followers/lines", float64(len(f.delays))/took, "lines/s")
	b.delays("page/followers/delay", f.delays)
	b.line("page/followers/requests", (after.requests-before.requests)/float64(b.sizes.followers)/took*60, "requests/min")
	return nil
}

// used is what the page has taken so far.
type used struct {
	at       time.Time
	cpu      time.Duration
	requests float64
}

func (s *site) used(ctx context.Context) (used, error) {
	requests, err := s.requests(ctx)
	if err != nil {
		return used{}, err
	}
	u, err := readUsage(s.PID())
	return used{time.Now(), u.own, requests}, err
}

// connected waits until the API server serves so many watches and logs to viewers.
func (s *site) connected(ctx context.Context, streams int) error {
	return s.cluster.await(ctx, "all viewers follow", stall, func(ctx context.Context) (bool, error) {
		open, err := s.metric(ctx, "apiserver_longrunning_requests", func(labels map[string]string) bool {
			return labels["resource"] == "runs" && labels["namespace"] == "" && labels["verb"] == "WATCH" || labels["subresource"] == "log"
		})
		return int(open) >= streams, err
	})
}

// requests is how many the API server has answered of the kinds that the page makes, but
// for those that last.
func (s *site) requests(ctx context.Context) (float64, error) {
	return s.metric(ctx, "apiserver_request_total", func(labels map[string]string) bool {
		kinds := []string{"runs", "pipelines", "triggers", "configrepos", "pods", "events", "controllerrevisions", "selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"}
		return labels["verb"] != "WATCH" && labels["subresource"] == "" && strings.Contains(" "+strings.Join(kinds, " ")+" ", " "+labels["resource"]+" ")
	})
}
