package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"k8s.io/utils/clock"

	runlogs "github.com/kayci/kayci/runs/logs"
	"github.com/kayci/kayci/runs/logs/mask"
	"github.com/kayci/kayci/store/bucket"
	"github.com/kayci/kayci/store/logs"
	memory "github.com/kayci/kayci/test/bucket"
)

// given is a node that gives a text, as fast as memory does.
type given []byte

func (g given) Read(ctx context.Context, c *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	end, err := runlogs.Scan(ctx, c, bytes.NewReader(g), 1, o, each)
	end.Complete = err == nil
	return end, err
}

// textLine is a line as programs print them, and randomLine is of as many bytes that can't
// be compressed.
func textLine(n int) []byte {
	return fmt.Appendf(nil, "%-103.103s\n", fmt.Sprintf("%08d ok   github.com/acme/web/internal/server/middleware 0.412s coverage: 84.2%% of statements", n))
}

func randomLine(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 0)) //nolint:gosec // It keeps no secret, and is the same each time.
	line := make([]byte, 104)
	for i := range line {
		for line[i] = '\n'; line[i] == '\n'; {
			line[i] = byte(random.Uint32())
		}
	}
	line[len(line)-1] = '\n'
	return line
}

func printed(size int, line func(int) []byte) given {
	var log bytes.Buffer
	for i := 0; log.Len() < size; i++ {
		log.WriteString(started().Add(time.Duration(i)*10*time.Microsecond).Format("2006-01-02T15:04:05.000000000Z07:00") + " ")
		log.Write(line(i))
	}
	return log.Bytes()
}

// BenchmarkKeep keeps a log of 16 MiB in a folder.
func BenchmarkKeep(b *testing.B) {
	masker, _ := mask.New([][]byte{[]byte("hunter22"), []byte("correct horse battery staple")})
	none, _ := mask.New(nil)
	for _, kind := range []struct {
		name   string
		line   func(int) []byte
		masker *mask.Masker
	}{{"text", textLine, none}, {"masked", textLine, masker}, {"random", randomLine, none}} {
		b.Run(kind.name, func(b *testing.B) {
			node := printed(16<<20, kind.line)
			b.SetBytes(int64(len(node)))
			b.ReportAllocs()
			for b.Loop() {
				folder, err := bucket.NewFolder(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				k := &logs.Keeper{Bucket: folder, Source: node, Clock: clock.RealClock{}}
				end, err := k.Keep(b.Context(), theLog(), &runlogs.Container{}, kind.masker, 0)
				if err := folder.Close(); err != nil {
					b.Fatal(err)
				}
				if err != nil || !end.Complete {
					b.Fatal(end, err)
				}
			}
		})
	}
}

// counted is a bucket whose reads are counted.
type counted struct {
	bucket.Bucket

	parts int
	bytes int64
}

type countedBody struct {
	io.ReadCloser

	bytes *int64
}

func (c countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	*c.bytes += int64(n)
	return n, err
}

func (c *counted) Get(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	body, err := c.Bucket.Get(ctx, name, offset, length)
	if err == nil {
		c.parts++
		body = countedBody{body, &c.bytes}
	}
	return body, err
}

// endless is a node that gives lines of a log from a time on, so many each second, and
// then breaks off or has no more.
type endless struct {
	lines     int64
	perSecond int
	line      func(int) []byte
	fail      error
}

func (e endless) Read(_ context.Context, _ *runlogs.Container, o runlogs.Options, each func(*runlogs.Line) error) (runlogs.End, error) {
	step := time.Second / time.Duration(e.perSecond)
	from := int64(max(0, o.Since.Sub(started())) / step)
	for i := from; i < e.lines; i++ {
		at := started().Add(time.Duration(i) * step)
		text := e.line(int(i))
		if err := each(&runlogs.Line{Time: at, Stamp: at.AppendFormat(nil, time.RFC3339Nano), Text: text[:len(text)-1]}); err != nil {
			return runlogs.End{}, err
		}
	}
	return runlogs.End{Complete: e.fail == nil}, e.fail
}

var errBroken = errors.New("broken off")

// longLine is one that a program prints now and then.
func longLine(n int) []byte { return append(bytes.Repeat(textLine(n)[:100], 500), '\n') }

// resumed keeps a log of so many lines and goes on with it. It returns how many parts there
// are, and how many objects and bytes were read to go on.
func resumed(tb testing.TB, in bucket.Bucket, node endless) (parts int, read counted) {
	tb.Helper()
	none, _ := mask.New(nil)
	node.fail = errBroken
	k := &logs.Keeper{Bucket: in, Source: node, Clock: clock.RealClock{}, MaxAge: time.Hour}
	// What isn't stored when it breaks off comes again.
	if _, err := k.Keep(tb.Context(), theLog(), &runlogs.Container{}, none, 0); !errors.Is(err, errBroken) {
		tb.Fatal(err)
	}
	objects, err := in.List(tb.Context(), theLog().Folder(), "", 0)
	if err != nil {
		tb.Fatal(err)
	}
	read.Bucket, node.fail = in, nil
	k = &logs.Keeper{Bucket: &read, Source: node, Clock: clock.RealClock{}}
	end, err := k.Keep(tb.Context(), theLog(), &runlogs.Container{}, none, 0)
	if err != nil || end.Lines != node.lines || !end.Whole() {
		tb.Fatalf("%+v, %v", end, err)
	}
	return len(objects), read
}

// TestResume: who goes on with a log reads no more of it than a node may give again, however
// long the log is.
func TestResume(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		node  endless
		parts int
		bytes int64
	}{
		"fast":       {endless{lines: 200_000, perSecond: 100_000, line: textLine}, 3, 1 << 20},
		"slow":       {endless{lines: 200_000, perSecond: 100, line: textLine}, 3, 1 << 20},
		"long lines": {endless{lines: 600, perSecond: 10, line: longLine}, 3, 1 << 20},
		"random":     {endless{lines: 40_000, perSecond: 1000, line: randomLine}, 4, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, read := resumed(t, &memory.Memory{}, tt.node)
			if read.parts > tt.parts || read.bytes > tt.bytes || parts < 2*read.parts {
				t.Errorf("of %d parts %d are read, and %d bytes", parts, read.parts, read.bytes)
			}
		})
	}
}

// BenchmarkResume goes on with a log of 1 GiB in a folder.
func BenchmarkResume(b *testing.B) {
	for _, kind := range []struct {
		name string
		node endless
	}{
		{"fast", endless{lines: 1 << 30 / 135, perSecond: 100_000, line: textLine}},
		{"slow", endless{lines: 1 << 30 / 135, perSecond: 1000, line: textLine}},
		{"random", endless{lines: 1 << 30 / 135, perSecond: 1000, line: randomLine}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				folder, err := bucket.NewFolder(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				parts, read := resumed(b, folder, kind.node)
				b.ReportMetric(float64(parts), "parts")
				b.ReportMetric(float64(read.parts), "parts-read")
				b.ReportMetric(float64(read.bytes), "B-read")
				if err := folder.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
