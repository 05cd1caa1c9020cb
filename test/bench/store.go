package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kayci/kayci/test/process"
)

// storeSizes are those of what is measured of the store.
type storeSizes struct {
	containers, mebibytes int
	slow                  time.Duration
}

func (s *storeSizes) flags(flags *flag.FlagSet) {
	flags.IntVar(&s.containers, "containers", 10, "store: containers whose logs are kept at once, 200 at most")
	flags.IntVar(&s.mebibytes, "log-size", 8, "store: size of each log as a node gives it, in MiB")
	flags.DurationVar(&s.slow, "slow-bucket", time.Second/4, "store: how long a slow bucket takes for a part of a log")
}

func (s *storeSizes) check() error {
	if min(s.containers, s.mebibytes) < 1 || s.containers > 200 {
		return errors.New("sizes of the store must be at least 1, and containers 200 at most")
	}
	return nil
}

// store has `kayci store` keep the logs of many containers at once.
func (b *bench) store(ctx context.Context, c *cluster) error {
	// They would end what the other node has.
	if err := c.stopControllers(); err != nil {
		return err
	}
	n := &storeNode{cluster: c, containers: b.keeping.containers}
	server, err := startKubelet(ctx, c, storeNodeName, n)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, part := range []storePart{
		{"store/text", logLine, false}, {"store/random", randomLine, false}, {"store/slow-bucket", logLine, true},
	} {
		if err := b.storePart(ctx, n, part); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// storePart is logs of one kind, kept in a folder or in a slow bucket.
type storePart struct {
	name string
	line func(int) string
	slow bool
}

func (b *bench) storePart(ctx context.Context, n *storeNode, part storePart) (err error) {
	n.fill(part.line, b.keeping.mebibytes*mebibyte)
	n.namespace++
	progress("%s: %d logs of %d MiB each are kept", part.name, b.keeping.containers, b.keeping.mebibytes)
	folder, err := os.MkdirTemp(n.cluster.logs, "store-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	args, env := []string{"--folder=" + folder}, []string(nil)
	if part.slow {
		s3, err := slowBucket(b.keeping.slow)
		if err != nil {
			return err
		}
		defer s3.Close()
		args = []string{"--s3-bucket=" + bucketName, "--s3-endpoint=" + s3.URL, "--s3-path-style"}
		env = []string{"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench-secret"}
	}
	args = append(args, "--watch-namespaces="+n.where())
	return b.withStore(ctx, n.cluster, env, args, func(s *storeProcess) error {
		if err := b.keepLogs(ctx, part.name, n, s); err != nil {
			return err
		}
		stored, err := sizeOf(folder)
		if err == nil && stored > 0 {
			b.line(part.name+"/stored", stored/n.size(), "x")
		}
		return err
	})
}

const bucketName = "logs"

// slowBucket is a bucket in this process's memory, which takes its time for each object.
func slowBucket(pause time.Duration) (*httptest.Server, error) {
	backend := s3mem.New()
	if err := backend.CreateBucket(bucketName); err != nil {
		return nil, fmt.Errorf("make a bucket: %w", err)
	}
	bucket := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			<-time.After(pause)
		}
		bucket.ServeHTTP(w, r)
	})), nil
}

// storeProcess is `kayci store` at work.
type storeProcess struct {
	*process.Process

	metrics string
}

// withStore has the store run meanwhile.
func (b *bench) withStore(ctx context.Context, c *cluster, env, args []string, work func(*storeProcess) error) (err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s := &storeProcess{}
	if s.metrics, err = freeAddress(ctx); err != nil {
		return err
	}
	// As the chart has it.
	args = append([]string{"store", "--leader-elect=false", "--bind-address=" + address, "--metrics-bind-address=" + s.metrics, "--health-probe-bind-address=0", "--memory-limit=512Mi"}, args...)
	s.Process, err = startProcess(ctx, c.logs, "store", append(env, "KUBECONFIG="+c.kubeconfig), b.kayci, args...)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\nthe store's log ends with:\n%s", err, s.Tail())
		}
		err = errors.Join(err, s.Stop())
	}()
	err = c.await(ctx, "the store follows", time.Minute, func(ctx context.Context) (bool, error) {
		_, err := s.sum(ctx, "kayci_store_logs_followed")
		return err == nil, s.Alive()
	})
	if err != nil {
		return err
	}
	return work(s)
}

// sum adds up a metric of the store's.
func (s *storeProcess) sum(ctx context.Context, name string, labels ...string) (float64, error) {
	text, err := get(ctx, "http://"+s.metrics+"/metrics")
	if err != nil {
		return 0, fmt.Errorf("read the store's metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, fmt.Errorf("read the store's metrics: %w", err)
	}
	var sum float64
	for _, m := range families[name].GetMetric() {
		if len(labels) == 0 || label(m, labels[0]) == labels[1] {
			sum += value(m)
		}
	}
	return sum, nil
}

func value(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

// taken is what the store and the API server have taken so far.
type taken struct {
	store, server usage
	// most is the most memory that the store ever had, in bytes.
	most float64
}

func (s *storeProcess) taken(c *cluster) (t taken, err error) {
	if t.store, err = readUsage(s.PID()); err != nil {
		return t, err
	}
	if t.server, err = readUsage(c.server); err != nil {
		return t, err
	}
	t.most, err = mostResident(s.PID())
	return t, err
}

// keepLogs has the store keep what all containers print, and prints what that took.
func (b *bench) keepLogs(ctx context.Context, name string, n *storeNode, s *storeProcess) error {
	before, err := s.taken(n.cluster)
	if err != nil {
		return err
	}
	if err := n.print(ctx); err != nil {
		return err
	}
	if err := s.awaitLogs(ctx, n.containers); err != nil {
		return err
	}
	wall := time.Since(n.began()).Seconds()
	lines, err := s.wholeLogs(ctx, n)
	if err != nil {
		return err
	}
	after, err := s.taken(n.cluster)
	if err != nil {
		return err
	}
	gibibytes := n.size() / (1 << 30)
	b.line(name+"/none/rss", before.most/mebibyte, "MiB")
	b.line(name+"/rss", after.most/mebibyte, "MiB")
	b.line(name+"/cpu", after.store.since(before.store).own.Seconds()/gibibytes, "s/GiB")
	b.line(name+"/apiserver-cpu", after.server.since(before.server).own.Seconds()/gibibytes, "s/GiB")
	b.line(name+"/rate", n.size()/1e6/wall, "MB/s")
	b.line(name+"/lines", lines, "lines")
	b.line(name+"/lines/rate", lines/wall, "lines/s")
	return nil
}

// awaitLogs waits until so many logs have ended. It asks seldom: the store's metrics are
// work, too.
func (s *storeProcess) awaitLogs(ctx context.Context, count int) error {
	err := wait.PollUntilContextTimeout(ctx, time.Second/4, 20*time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := s.Alive(); err != nil {
			return false, err
		}
		ended, err := s.sum(ctx, "kayci_store_logs_total")
		return int(ended) >= count, err
	})
	if err != nil {
		return fmt.Errorf("wait until all logs are kept: %w", err)
	}
	return nil
}

// wholeLogs returns how many lines were kept, and an error unless these are all.
func (s *storeProcess) wholeLogs(ctx context.Context, n *storeNode) (lines float64, err error) {
	whole, err := s.sum(ctx, "kayci_store_logs_total", "whole", "true")
	if err != nil {
		return 0, err
	}
	if lines, err = s.sum(ctx, "kayci_store_log_lines_total"); err != nil {
		return 0, err
	}
	if int(whole) != n.containers || int(lines) != n.containers*n.lines {
		return 0, fmt.Errorf("%v of %d logs are whole, with %v of %d lines", whole, n.containers, lines, n.containers*n.lines)
	}
	return lines, nil
}

// sizeOf is how many bytes the files of a folder have.
func sizeOf(folder string) (size float64, err error) {
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += float64(info.Size())
		}
		return err
	})
	return size, err
}
