package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kayci/kayci/test/process"
)

// concurrent is how many Runs KayCI looks at, and chains the floor program goes
// on with, at once: what the chart sets.
const concurrent = 4

// kayci is the program at work, as the only replica.
type kayci struct {
	*process.Process

	cluster                          *cluster
	webhooks, metrics, probe, pprofs string
}

// startKayCI starts the program and waits until its caches are filled. It holds
// no Lease: renewing it would add to the requests that are counted.
func startKayCI(ctx context.Context, c *cluster, program, dir string) (*kayci, error) {
	webhooks, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return startKayCIAt(ctx, c, program, dir, webhooks)
}

// startKayCIAt has the program receive webhooks at an address.
func startKayCIAt(ctx context.Context, c *cluster, program, dir, webhooks string) (*kayci, error) {
	k := &kayci{cluster: c, webhooks: webhooks}
	for _, address := range []*string{&k.metrics, &k.probe, &k.pprofs} {
		free, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		*address = free
	}
	storage := filepath.Join(dir, "kayci-data")
	if err := os.MkdirAll(storage, 0o700); err != nil {
		return nil, err
	}
	var err error
	k.Process, err = startProcess(ctx, c.logs, "kayci", []string{"KUBECONFIG=" + c.kubeconfig}, program, "controller",
		"--leader-elect=false", "--webhook-bind-address="+k.webhooks, "--metrics-bind-address="+k.metrics,
		"--health-probe-bind-address="+k.probe, "--pprof-bind-address="+k.pprofs, "--storage-path="+storage,
		// As the chart has it.
		"--memory-limit=1Gi", fmt.Sprintf("--concurrent=%d", concurrent))
	if err != nil {
		return nil, err
	}
	err = c.await(ctx, "KayCI is ready", time.Minute, func(ctx context.Context) (bool, error) {
		if err := k.Alive(); err != nil {
			return false, err
		}
		_, err := get(ctx, "http://"+k.probe+"/readyz")
		return err == nil, nil
	})
	if err == nil {
		err = c.settle(ctx, k.Process)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, k.Tail())
		if stopped := k.Stop(); stopped != nil {
			err = fmt.Errorf("%w; %w", err, stopped)
		}
		return nil, err
	}
	return k, nil
}

// freeAddress is one that nothing listens at now.
func freeAddress(ctx context.Context) (string, error) { return freePort(ctx, "127.0.0.1") }

// freePort is such an address of a host.
func freePort(ctx context.Context, host string) (string, error) {
	listener, err := listen(ctx, host)
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func listen(ctx context.Context, host string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	return listener, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", url, answer.Status, body)
	}
	return body, err
}

// sample is what the processes have taken so far.
type sample struct {
	kayci, server usage
	// requests to the API server, by method.
	requests map[string]float64
	// conflicts are those of them that the server refused because of another's write.
	conflicts float64
	// heap in use, in bytes.
	heap float64
}

// sample reads the counters of KayCI, and of the API server.
func (k *kayci) sample(ctx context.Context) (sample, error) {
	s, err := k.own(ctx)
	if err == nil {
		s.server, err = readUsage(k.cluster.server)
	}
	return s, err
}

// own reads the counters of KayCI.
func (k *kayci) own(ctx context.Context) (sample, error) {
	s := sample{requests: map[string]float64{}}
	text, err := get(ctx, "http://"+k.metrics+"/metrics")
	if err != nil {
		return s, fmt.Errorf("read KayCI's metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return s, fmt.Errorf("read KayCI's metrics: %w", err)
	}
	for _, m := range families["rest_client_requests_total"].GetMetric() {
		s.requests[label(m, "method")] += m.GetCounter().GetValue()
		if label(m, "code") == "409" {
			s.conflicts += m.GetCounter().GetValue()
		}
	}
	for _, m := range families["go_memstats_heap_inuse_bytes"].GetMetric() {
		s.heap = m.GetGauge().GetValue()
	}
	s.kayci, err = readUsage(k.PID())
	return s, err
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

// since is what was taken after an earlier sample; heap is as it is now.
func (s sample) since(before sample) sample {
	d := sample{
		kayci: s.kayci.since(before.kayci), server: s.server.since(before.server),
		requests: map[string]float64{}, conflicts: s.conflicts - before.conflicts, heap: s.heap,
	}
	for method, count := range s.requests {
		if more := count - before.requests[method]; more > 0 {
			d.requests[method] = more
		}
	}
	return d
}

// total is the number of requests by all methods.
func (s sample) total() float64 {
	var sum float64
	for _, count := range s.requests {
		sum += count
	}
	return sum
}

// memory is what the process holds after it has collected its garbage, in bytes.
func (k *kayci) memory(ctx context.Context) (resident, heap float64, err error) {
	if _, err := get(ctx, "http://"+k.pprofs+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, 0, fmt.Errorf("collect KayCI's garbage: %w", err)
	}
	s, err := k.sample(ctx)
	if err != nil {
		return 0, 0, err
	}
	resident, err = residentMemory(k.PID())
	return resident, s.heap, err
}
