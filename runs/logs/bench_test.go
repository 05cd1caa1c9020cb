package logs

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// BenchmarkDrain reads a stream of 100,000 lines, as fast as memory gives it.
func BenchmarkDrain(b *testing.B) {
	var stream bytes.Buffer
	for i := range 100_000 {
		stream.WriteString(entry{time.Duration(i) * time.Microsecond, strings.Repeat("x", 100)}.String())
	}
	b.SetBytes(int64(stream.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r := &reading{pods: &Pods{}, container: &Container{}, window: newWindow(), each: func(*Line) error { return nil }}
		if err := r.drain(b.Context(), bytes.NewReader(stream.Bytes())); err != nil || r.end.Lines != 100_000 {
			b.Fatal(err, r.end.Lines)
		}
	}
}
