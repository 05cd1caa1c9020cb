package bucket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kayci/kayci/store/bucket"
)

// store is what is measured: something that takes an object of a new name, and gives it.
type store struct {
	name string
	put  func(ctx context.Context, name string, body []byte) error
	get  func(ctx context.Context, name string) (io.ReadCloser, error)
}

func ours(b bucket.Bucket, name string) store {
	return store{name, b.Put, func(ctx context.Context, name string) (io.ReadCloser, error) { return b.Get(ctx, name, 0, -1) }}
}

// beside puts and gets objects of that size in turn here and there, and reports the medians
// of how fast that is, and of the ratios: what else the machine does changes both.
func beside(b *testing.B, kayci, other store, size int) {
	b.Helper()
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(rand.Uint32()) //nolint:gosec // It keeps no secret.
	}
	const few = 16
	for i := range few {
		for _, s := range []store{kayci, other} {
			if err := s.put(b.Context(), fmt.Sprintf("%s/%d", s.name, i), body); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("put", func(b *testing.B) {
		inTurn(b, size, kayci, other, func(s store, i int) error {
			return s.put(b.Context(), fmt.Sprintf("%s-%d/%d", s.name, b.N, i), body)
		})
	})
	b.Run("get", func(b *testing.B) {
		inTurn(b, size, kayci, other, func(s store, i int) error {
			reader, err := s.get(b.Context(), fmt.Sprintf("%s/%d", s.name, i%few))
			if err != nil {
				return err
			}
			defer reader.Close()
			if n, err := io.Copy(io.Discard, reader); err != nil || n != int64(size) {
				return fmt.Errorf("%d bytes: %w", n, err)
			}
			return nil
		})
	})
}

func inTurn(b *testing.B, size int, kayci, other store, act func(s store, i int) error) {
	b.Helper()
	var rates [2][]float64
	var ratios []float64
	for i := 0; b.Loop(); i++ {
		var took [2]float64
		// The first of two is another each time.
		for turn := range 2 {
			which := (i + turn) % 2
			began := time.Now()
			if err := act([]store{kayci, other}[which], i); err != nil {
				b.Fatal(err)
			}
			took[which] = time.Since(began).Seconds()
			rates[which] = append(rates[which], float64(size)/1e6/took[which])
		}
		ratios = append(ratios, took[1]/took[0])
	}
	b.ReportMetric(median(rates[0]), kayci.name+"-MB/s")
	b.ReportMetric(median(rates[1]), other.name+"-MB/s")
	b.ReportMetric(median(ratios), "x")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkS3 is the bucket beside the library's own way to put and get objects, at the
// same server.
func BenchmarkS3(b *testing.B) {
	for _, size := range []int{256 << 10, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			server := httptest.NewServer(fakeS3(b))
			defer server.Close()
			kayci, err := bucket.NewS3(options(server))
			if err != nil {
				b.Fatal(err)
			}
			address, err := url.Parse(server.URL)
			if err != nil {
				b.Fatal(err)
			}
			library, err := minio.New(address.Host, &minio.Options{
				Creds: credentials.NewStaticV4("key", secret, ""), Region: "us-east-1", BucketLookup: minio.BucketLookupPath,
			})
			if err != nil {
				b.Fatal(err)
			}
			beside(b, ours(kayci, "kayci"), store{
				name: "minio",
				put: func(ctx context.Context, name string, body []byte) error {
					_, err := library.PutObject(ctx, "logs", name, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{})
					return err
				},
				get: func(ctx context.Context, name string) (io.ReadCloser, error) {
					return library.GetObject(ctx, "logs", name, minio.GetObjectOptions{})
				},
			}, size)
		})
	}
}

// BenchmarkFolder is the folder beside a file that is written and synced.
func BenchmarkFolder(b *testing.B) {
	for _, size := range []int{256 << 10, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			kayci, err := bucket.NewFolder(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer kayci.Close()
			path := b.TempDir()
			beside(b, ours(kayci, "kayci"), store{
				name: "file",
				put: func(_ context.Context, name string, body []byte) error {
					return writeSynced(filepath.Join(path, name), body)
				},
				get: func(_ context.Context, name string) (io.ReadCloser, error) { return os.Open(filepath.Join(path, name)) },
			}, size)
		})
	}
}

func writeSynced(path string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(body); err != nil {
		return err
	}
	return file.Sync()
}
