package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kayci/kayci/render"
	local "github.com/kayci/kayci/test/cluster"
)

// jobsFile has Pipelines with the same job without and with what the store keeps.
const jobsFile = `local ci = import 'kayci.libsonnet';
local prefix = std.extVar('prefix');
local work(bytes=0, files=1) =
  ci.step('main', std.extVar('worker'), args=['work', '--bytes=%d' % bytes, '--files=%d' % files]);
local small = work(1024 * 1024, 10), large = work(std.parseInt(std.extVar('bytes')), 64);
local pipeline(name, work, more=[]) = ci.pipeline(prefix + name, jobs=[ci.job('job', work)] + more) + { spec+: { retention: {} } };
[
  pipeline('none', [work()]),
  pipeline('small-bare', [small]),
  pipeline('large-bare', [large]),
  pipeline('small', [small, ci.artifacts('dist', 'dist/**')]),
  pipeline('large', [large, ci.artifacts('dist', 'dist/**')], [ci.job('fetch', [ci.fetch('job', 'dist'), work()], needs=['job'])]),
  pipeline('miss', [ci.cache('of-$(KAYCI_RUN)', 'dist/**'), large]),
  pipeline('hit', [ci.cache('kept', 'dist/**'), large]),
]
`

// Images that the jobs have.
const keepImage = "kayci.local/kayci:bench"

// jobSizes are those of what is measured of jobs.
type jobSizes struct{ rounds, mebibytes int }

func (s *jobSizes) flags(flags *flag.FlagSet) {
	flags.IntVar(&s.rounds, "job-rounds", 2, "jobs: how often each job is done")
	flags.IntVar(&s.mebibytes, "job-size", 16, "jobs: what a job leaves, in MiB")
}

func (s *jobSizes) check() error {
	if min(s.rounds, s.mebibytes) < 1 {
		return errors.New("sizes of jobs must be at least 1")
	}
	return nil
}

// jobs has real pods do the same job without and with artifacts and caches, on the local
// cluster. Without that it does nothing.
func (b *bench) jobs(ctx context.Context, dir string) (err error) {
	found, missing := local.Find(ctx, local.Options{Source: b.source, Progress: local.NewProgress(os.Stderr)})
	if missing != nil {
		progress("jobs: SKIPPED, as it runs real pods and the local cluster doesn't run: `make local-up` starts it")
		return nil
	}
	c := &cluster{client: found.Client, config: found.Config, kubeconfig: found.Kubeconfig, logs: filepath.Join(dir, jobsScenario)}
	if err := os.Mkdir(c.logs, 0o700); err != nil {
		return err
	}
	if err := b.prepare(ctx, c, c.logs); err != nil {
		return err
	}
	defer func() {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: runsNamespace}}
		err = errors.Join(err, c.client.Delete(context.WithoutCancel(ctx), namespace))
	}()
	if err := b.loadImage(ctx, c.logs, b.kayci, keepImage); err != nil {
		return err
	}
	host, err := found.HostAddress(ctx)
	if err != nil {
		return err
	}
	port, err := freePort(ctx, host)
	if err != nil {
		return err
	}
	folder := filepath.Join(c.logs, "kept")
	args := []string{"--folder=" + folder, "--watch-namespaces=" + runsNamespace, "--bind-address=" + port}
	return b.withStore(ctx, c, nil, args, func(s *storeProcess) error {
		return b.withKayCI(ctx, c, func(k *kayci) error {
			return b.withCounter(ctx, host, "http://"+port, func(n *counter) error {
				j := &jobRuns{cluster: c, kayci: k, store: s, counter: n}
				if err := b.pipelinesOfJobs(ctx, j, "", "http://"+port); err != nil {
					return err
				}
				if err := b.pipelinesOfJobs(ctx, j, counted, n.url); err != nil {
					return err
				}
				return b.jobRounds(ctx, j)
			})
		})
	})
}

// counted begins the names of Pipelines whose requests to the store are counted. They
// pass through another program, so that their times aren't.
const counted = "counted-"

// pipelinesOfJobs makes the Pipelines, as KayCI renders them.
func (b *bench) pipelinesOfJobs(ctx context.Context, j *jobRuns, prefix, store string) error {
	tree := filepath.Join(j.cluster.logs, "files-"+prefix)
	if err := os.Mkdir(tree, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tree, "jobs.jsonnet"), []byte(jobsFile), 0o600); err != nil {
		return err
	}
	rendered, err := render.Render(ctx, render.Options{
		Dir: tree, Namespace: runsNamespace, Image: keepImage, Store: store, Exec: []string{b.kayci, "evaluate"},
		Vars: map[string]string{"prefix": prefix, "worker": benchImage, "bytes": strconv.Itoa(b.working.mebibytes * mebibyte)},
	})
	if err != nil {
		return fmt.Errorf("render the Pipelines: %w", err)
	}
	for _, one := range rendered.Objects {
		if err := j.cluster.client.Create(ctx, one.Object); err != nil {
			return fmt.Errorf("make a Pipeline: %w", err)
		}
	}
	return nil
}

// counter counts requests to the store that pass through it.
type counter struct {
	url      string
	requests atomic.Int64
}

// withCounter has one run meanwhile, at an address of the host.
func (b *bench) withCounter(ctx context.Context, host, store string, work func(*counter) error) error {
	to, err := url.Parse(store)
	if err != nil {
		return err
	}
	n := &counter{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	if err := server.Listener.Close(); err != nil {
		return err
	}
	if server.Listener, err = listen(ctx, host); err != nil {
		return err
	}
	server.Start()
	defer server.Close()
	n.url = strings.TrimSuffix(server.URL, "/")
	return work(n)
}
