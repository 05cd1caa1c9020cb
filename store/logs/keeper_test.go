package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/logs"
	"github.com/kayci/kayci/store/place"
	"github.com/kayci/kayci/test/bucket"
)

func started() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }

func theLog() place.Log {
	run := place.Run{Namespace: "ci", Pipeline: "web", Name: "web-1", UID: "uid-1"}
	return place.Log{Run: run, Job: "test", Pod: "pod-1", Container: "main"}
}

// entry is a line that a container prints.
type entry struct {
	at   time.Duration
	text string
}

// node is where a container prints. It gives lines from a whole second on.
type node struct {
	entries []entry
	end     runlogs.End
	fail    error
}

// piece is how much of a line is passed on at once.
const piece = 64 << 10

func (n *node) Read(ctx context.Context, _ *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	for i := range n.entries {
		at := started().Add(n.entries[i].at)
		if at.Before(o.Since) {
			continue
		}
		stamp := []byte(at.Format(time.RFC3339Nano))
		text := []byte(n.entries[i].text)
		for rest := false; ; rest = true {
			cut := min(piece, len(text))
			line := &runlogs.Line{Text: bytes.Clone(text[:cut]), More: cut < len(text), Rest: rest}
			if !rest {
				line.Time, line.Stamp = at, stamp
			}
			if err := each(line); err != nil {
				return n.end, err
			}
			if text = text[cut:]; len(text) == 0 {
				break
			}
		}
		if ctx.Err() != nil {
			return n.end, ctx.Err()
		}
	}
	return n.end, n.fail
}

// lines of every kind: many of one time, the same ones, empty, out of order, binary, and
// longer than a part.
func lines() []entry {
	var all []entry
	for i := range 3000 {
		all = append(all, entry{time.Duration(i/7) * 10 * time.Millisecond, fmt.Sprintf("line %d %s", i/3, strings.Repeat("x", i%50))})
	}
	random := make([]byte, 0, 9<<19)
	for seed := uint32(1); len(random) < cap(random); seed = seed*1664525 + 1013904223 {
		if b := byte(seed >> 24); b != '\n' {
			random = append(random, b)
		}
	}
	at := 6 * time.Second
	return append(all,
		entry{at, ""}, entry{at, ""}, entry{at - 1, "behind"}, entry{at + time.Second, string(random)},
		entry{at + 2*time.Second, "my hunter22 is"}, entry{at + 2*time.Second, strings.Repeat("y", piece-4) + "hunter22" + strings.Repeat("z", piece)},
		entry{at + 3*time.Second, "\x1b[31mred\x00\xff"}, entry{at + 4*time.Second, "the end"},
	)
}

func text(entries []entry) string {
	var all strings.Builder
	for _, e := range entries {
		all.WriteString(started().Add(e.at).Format(time.RFC3339Nano) + " " + e.text + "\n")
	}
	return all.String()
}

// size is how many bytes of text are kept of the lines.
func size(entries []entry) (n int64) {
	for _, e := range entries {
		n += int64(len(strings.ReplaceAll(e.text, "hunter22", "***"))) + 1
	}
	return n
}

func masker(t *testing.T) *mask.Masker {
	t.Helper()
	m, known := mask.New([][]byte{[]byte("hunter22")})
	if !known {
		t.Fatal("too large")
	}
	return m
}

func read(t *testing.T, from *bucket.Memory, line int64) (first int64, text string) {
	t.Helper()
	var all bytes.Buffer
	if err := logs.Read(t.Context(), from, theLog(), line, func(n int64) { first = n }, &all); err != nil {
		t.Fatal(err)
	}
	return first, all.String()
}

func keeper(b *bucket.Memory, n *node) *logs.Keeper {
	return &logs.Keeper{Bucket: b, Source: n, Clock: clock.RealClock{}, Patience: time.Nanosecond}
}

// countLines fails unless as many lines are said to be kept as begin in what is kept.
func countLines(t *testing.T, from *bucket.Memory) {
	t.Helper()
	_, text := read(t, from, 1)
	want := int64(strings.Count(text, "\n"))
	if text != "" && !strings.HasSuffix(text, "\n") {
		want++
	}
	if got, err := logs.Lines(t.Context(), from, theLog()); got != want || err != nil {
		t.Fatalf("%d lines are said to be kept, and %d are: %v", got, want, err)
	}
}

// TestKilled: whenever keeping a log is broken off, before or after what it asks of the
// bucket was done, and though the node gives less each time, the log is whole in the end.
func TestKilled(t *testing.T) {
	t.Parallel()
	all := lines()
	want := strings.ReplaceAll(text(all), "hunter22", "***")
	killed := errors.New("killed")
	end := runlogs.End{Complete: true, State: runlogs.State{Started: started(), Ended: started().Add(time.Minute), ExitCode: 3}}
	for at := 0; ; at++ {
		over := false
		for _, after := range []bool{false, true} {
			b, n := &bucket.Memory{}, &node{entries: all, end: end}
			var asked atomic.Int64
			fault := func(string) error {
				if asked.Add(1) > int64(at) {
					return killed
				}
				return nil
			}
			if b.Before = fault; after {
				b.Before, b.After = nil, fault
			}
			k := keeper(b, n)
			_, err := k.Keep(t.Context(), theLog(), &runlogs.Container{}, masker(t), 0)
			over = err == nil
			if !over && !errors.Is(err, killed) {
				t.Fatal(err)
			}
			b.Before, b.After = nil, nil
			countLines(t, b)
			got, err := k.Keep(t.Context(), theLog(), &runlogs.Container{}, masker(t), 0)
			if err != nil {
				t.Fatal(err)
			}
			_, kept := read(t, b, 1)
			if kept != want {
				t.Fatalf("killed at request %d, after it: %t: %d bytes are kept and not %d", at, after, len(kept), len(want))
			}
			whole := logs.End{
				Lines: int64(len(all)), Bytes: size(all), First: started(), Last: started().Add(10 * time.Second),
				Started: started(), Ended: started().Add(time.Minute), ExitCode: 3, Complete: true,
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Fatalf("killed at request %d (-want +got):\n%s", at, diff)
			}
		}
		if over {
			break
		}
	}
}

// TestTwoAtOnce: two processes that keep one log lose nothing of it, and keep no line
// twice.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	all := lines()
	b := &bucket.Memory{}
	var group errgroup.Group
	ends := make([]logs.End, 2)
	for i := range ends {
		k := keeper(b, &node{entries: all, end: runlogs.End{Complete: true}})
		group.Go(func() (err error) {
			ends[i], err = k.Keep(t.Context(), theLog(), &runlogs.Container{}, masker(t), 0)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ends[0], ends[1]); diff != "" || ends[0].Lines != int64(len(all)) || ends[0].Bytes != size(all) {
		t.Errorf("%+v (-one +the other):\n%s", ends[0], diff)
	}
	if _, kept := read(t, b, 1); kept != strings.ReplaceAll(text(all), "hunter22", "***") {
		t.Errorf("%d bytes are kept", len(kept))
	}
}

// TestMissing: what couldn't be kept is told.
func TestMissing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*piece)
	for name, tt := range map[string]struct {
		// first is what the node has until keeping breaks off, and then what it has.
		first, then []entry
		max         int64
		late        time.Duration
		want        string
		missing     []string
	}{
		"late":        {then: []entry{{0, "a"}}, late: time.Minute, want: "a\n"},
		"rotated":     {first: []entry{{0, "a"}}, then: []entry{{5 * time.Second, "b"}}, want: "a\nb\n", missing: []string{"what it printed between 12:00:00 UTC and 12:00:05 UTC is lost: the node rotated it away before it could be kept"}},
		"not rotated": {first: []entry{{0, "a"}}, then: []entry{{0, "a"}, {5 * time.Second, "b"}}, want: "a\nb\n"},
		"too long":    {then: []entry{{0, "a"}, {1, "0123456789"}, {2, "b"}}, max: 10, want: "a\n0123456789\n", missing: []string{"only its first 10 are kept (--max-log)"}},
		"within a line": {
			first: []entry{{0, long}}, then: []entry{{time.Second, "b"}}, want: long[:piece-mask.Overlap] + "\nb\n",
			missing: []string{"what it printed between 12:00:00 UTC and 12:00:01 UTC is lost: the node rotated it away before it could be kept", "the rest of line 1 is lost: keeping it was broken off, and the node didn't have it any more"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, n := &bucket.Memory{}, &node{entries: tt.first}
			k := keeper(b, n)
			k.MaxBytes, k.MaxAge = tt.max, time.Millisecond
			if tt.first != nil {
				// What was printed is stored at once, and then all ends.
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				put := make(chan struct{})
				b.After = func(request string) error {
					if strings.HasPrefix(request, "put ") {
						close(put)
					}
					return nil
				}
				k.Source = stopping{n, func() {
					<-put
					cancel()
				}}
				if _, err := k.Keep(ctx, theLog(), &runlogs.Container{}, masker(t), 0); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			b.After = nil
			n.entries, n.end.Complete = tt.then, true
			k.Source = n
			end, err := k.Keep(t.Context(), theLog(), &runlogs.Container{}, masker(t), tt.late)
			if diff := cmp.Diff(tt.missing, end.Missing); diff != "" || err != nil || end.LateSeconds != int64(tt.late.Seconds()) {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			_, kept := read(t, b, 1)
			var plain strings.Builder
			for line := range strings.Lines(kept) {
				_, text, _ := strings.Cut(line, " ")
				plain.WriteString(text)
			}
			if plain.String() != tt.want {
				t.Errorf("kept is %.200q", plain.String())
			}
		})
	}
}

// stopping is a node that a process stops reading from, after the first piece of a line
// or at the end.
type stopping struct {
	*node

	stop func()
}

func (s stopping) Read(ctx context.Context, c *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	stopped := errors.New("stopped")
	_, err := s.node.Read(ctx, c, o, func(line *runlogs.Line) error {
		if err := each(line); err != nil || !line.More {
			return err
		}
		return stopped
	})
	if err == nil || errors.Is(err, stopped) {
		s.stop()
		err = ctx.Err()
	}
	return runlogs.End{}, err
}

// TestReadFrom: a line is found by its number without what comes long before it.
func TestReadFrom(t *testing.T) {
	t.Parallel()
	all := lines()
	b := &bucket.Memory{}
	if _, err := keeper(b, &node{entries: all}).Keep(t.Context(), theLog(), &runlogs.Container{}, masker(t), 0); err != nil {
		t.Fatal(err)
	}
	whole := strings.ReplaceAll(text(all), "hunter22", "***")
	for _, line := range []int64{1, 2, 3000, 3003, 3004, 3005, 3007, 3008, 9000} {
		first, got := read(t, b, line)
		if first > line || !strings.HasSuffix(whole, got) || int64(strings.Count(whole[:len(whole)-len(got)], "\n")) != first-1 {
			t.Errorf("from line %d it begins with %d, with %d of %d bytes", line, first, len(got), len(whole))
		}
		if line > 3004 && first == 1 {
			t.Errorf("for line %d all parts are read", line)
		}
	}
}
