package archive_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kayci/kayci/store/archive"
)

// text is like a log.
func text(size int) string {
	var lines strings.Builder
	for i := 0; lines.Len() < size; i++ {
		fmt.Fprintf(&lines, "2026-01-02T03:04:05.%06dZ INFO worker-%d compiled package example.com/app/internal/p%d in %dms\n", i*7919%1000000, i%16, i*31%977, i*104729%5000)
	}
	return lines.String()[:size]
}

func benchmark(b *testing.B, run func(b *testing.B, files tree, size int64)) {
	b.Helper()
	const size = 64 << 20
	small := tree{}
	body := text(size / 16)
	for i := range 4000 {
		small[fmt.Sprintf("d%d/f%d", i%50, i)] = file(0o644, body[i*1000:i*1000+4000])
	}
	for _, kind := range []struct {
		name  string
		files tree
		size  int64
	}{{"text", tree{"a": file(0o644, text(size))}, size}, {"noise", tree{"a": file(0o644, noise(size))}, size}, {"small", small, 4000 * 4000}} {
		b.Run(kind.name, func(b *testing.B) { run(b, kind.files, kind.size) })
	}
}

var roomy = archive.Limits{Files: 10000, Bytes: 1 << 30, ManifestBytes: 8 << 20}

func BenchmarkPack(b *testing.B) {
	benchmark(b, func(b *testing.B, files tree, size int64) {
		b.Helper()
		root := plant(b, files)
		b.SetBytes(size)
		b.ReportAllocs()
		stored := 0.0
		for b.Loop() {
			m, err := archive.Pack(b.Context(), root, []string{"**"}, roomy, func(context.Context, int, []byte) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
			stored = 0
			for _, part := range m.Parts {
				stored += float64(part.Size)
			}
		}
		b.ReportMetric(float64(size)/stored, "ratio")
	})
}

func BenchmarkUnpack(b *testing.B) {
	benchmark(b, func(b *testing.B, files tree, size int64) {
		b.Helper()
		s := newShelf()
		m, err := archive.Pack(b.Context(), plant(b, files), []string{"**"}, roomy, s.put)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
		b.ReportAllocs()
		root := makeFolder(b)
		for b.Loop() {
			if err := archive.Unpack(b.Context(), root, m, roomy, s.get); err != nil {
				b.Fatal(err)
			}
		}
	})
}
