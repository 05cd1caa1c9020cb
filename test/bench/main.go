// Command bench measures what KayCI costs: against a real API server, etcd and
// kube-controller-manager, with pods that KWOK simulates. Beside it stands the
// floor program, which does the same without KayCI; beside logs stands kubectl.
// Results go to standard output, as lines of `name value unit`; what happens
// meanwhile goes to standard error. docs/benchmarks.md says what the rows mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

const assetsVariable = "KUBEBUILDER_ASSETS"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Its absence would be told by a stack trace after 30 seconds.
	ctrl.SetLogger(logr.Discard())
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == floorCommand:
		err = floorMain(ctx, os.Args[2:], os.Stdout)
	case len(os.Args) > 1 && os.Args[1] == workCommand:
		err = workMain(ctx, os.Args[2:])
	case len(os.Args) > 1 && os.Args[1] == printCommand:
		err = printMain(ctx, os.Args[2:], os.Stdout)
	default:
		err = command(ctx, os.Args[1:])
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// progress tells the person who waits.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "--- "+format+"\n", args...)
}

// bench is what to measure, and with which programs.
type bench struct {
	report

	source, table          string
	scenarios              []string
	burstRuns              int
	rounds, roundRuns      int
	kept, pipelines, files int
	deliveries, senders    int
	sizes                  pageSizes
	keeping                storeSizes
	working                jobSizes
	warmUp                 time.Duration
	kayci, kwok            string
}

// scenario is a part of the measurements that can be chosen.
type scenario struct {
	name string
	run  func(context.Context, *cluster) error
}

// offered are all scenarios that a cluster of their own is started for.
func (b *bench) offered() []scenario {
	return []scenario{{"burst", b.burst}, {"history", b.history}, {"memory", b.memory}, {"sync", b.sync}, {webhooksScenario, b.webhooks}, {"page", b.page}, {"store", b.store}}
}

// decideScenario needs no cluster, and the others the local one.
const (
	decideScenario = "decide"
	logsScenario   = "logs"
	jobsScenario   = "jobs"
)

func (b *bench) names() []string {
	names := []string{decideScenario}
	for _, s := range b.offered() {
		names = append(names, s.name)
	}
	return append(names, logsScenario, jobsScenario)
}

func (b *bench) parse(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	all := strings.Join(b.names(), ",")
	chosen := flags.String("run", all, "scenarios to run, separated by commas")
	flags.StringVar(&b.source, "source", "../..", "folder of KayCI's source")
	flags.StringVar(&b.table, "table", "", "print the results in this file as a table for docs/benchmarks.md, and do nothing else")
	flags.IntVar(&b.burstRuns, "burst-runs", 20, "burst: Runs that start at once")
	flags.IntVar(&b.rounds, "rounds", 2, "history: how often Runs are started, beside all before")
	flags.IntVar(&b.roundRuns, "round-runs", 20, "history: Runs of a round")
	flags.IntVar(&b.kept, "kept", 50, "memory: finished Runs that are kept")
	flags.IntVar(&b.pipelines, "pipelines", 50, "sync: Pipelines of the repository")
	flags.IntVar(&b.files, "files", 5, "sync: files that they are in, as many in each")
	flags.IntVar(&b.deliveries, "deliveries", 200, "webhooks: pushes that are delivered, and again as many while KayCI is killed")
	flags.IntVar(&b.senders, "senders", 32, "webhooks: deliveries that are under way at a time")
	flags.DurationVar(&b.warmUp, "warm-up", 0, "how long KayCI has made Runs before it is measured: for a minute it asks the API server again")
	b.sizes.flags(flags)
	b.keeping.flags(flags)
	b.working.flags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.scenarios = strings.Split(*chosen, ",")
	for _, name := range b.scenarios {
		if !slices.Contains(b.names(), name) {
			return fmt.Errorf("-run: there is no scenario %q, only %s", name, all)
		}
	}
	if min(b.burstRuns, b.rounds, b.roundRuns, b.kept, b.files, b.deliveries, b.senders) < 1 || b.pipelines < b.files {
		return errors.New("sizes must be at least 1, and pipelines as many as files")
	}
	if err := errors.Join(b.sizes.check(), b.keeping.check(), b.working.check()); err != nil {
		return err
	}
	var err error
	b.source, err = filepath.Abs(b.source)
	return err
}

func command(ctx context.Context, args []string) error {
	b := &bench{report: report{out: os.Stdout}}
	if err := b.parse(args); err != nil {
		return err
	}
	if b.table != "" {
		return b.printTable()
	}
	return b.all(ctx)
}

func (b *bench) printTable() error {
	results, err := os.Open(b.table)
	if err != nil {
		return err
	}
	defer results.Close()
	return table(results, os.Stdout)
}

// all runs the scenarios that were chosen.
func (b *bench) all(ctx context.Context) (err error) {
	if err := b.machine(); err != nil {
		return err
	}
	if slices.Contains(b.scenarios, decideScenario) {
		if err := b.decide(ctx); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "kayci-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// An API server that doesn't start leaves its files.
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return err
	}
	for _, s := range b.offered() {
		if !slices.Contains(b.scenarios, s.name) {
			continue
		}
		if err := b.build(ctx, dir); err != nil {
			return err
		}
		if err := b.one(ctx, dir, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return b.onLocal(ctx, dir)
}

// onLocal runs the scenarios that were chosen of those that take the local cluster.
func (b *bench) onLocal(ctx context.Context, dir string) error {
	for _, s := range []struct {
		name string
		run  func(context.Context, string) error
	}{{logsScenario, b.logs}, {jobsScenario, b.jobs}} {
		if !slices.Contains(b.scenarios, s.name) {
			continue
		}
		if err := b.build(ctx, dir); err != nil {
			return err
		}
		if err := s.run(ctx, dir); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// build builds KayCI, and KWOK from the version that this module pins, once.
func (b *bench) build(ctx context.Context, dir string) error {
	if b.kayci != "" {
		return nil
	}
	if os.Getenv(assetsVariable) == "" {
		return fmt.Errorf("%s is not set: run `make bench`, which builds the API server and sets it", assetsVariable)
	}
	if err := b.components(ctx); err != nil {
		return err
	}
	b.kayci, b.kwok = filepath.Join(dir, "kayci"), filepath.Join(dir, "kwok")
	for _, build := range []struct{ module, output, pkg string }{
		{b.source, b.kayci, "./cmd/kayci"},
		{filepath.Join(b.source, "test", "bench"), b.kwok, "sigs.k8s.io/kwok/cmd/kwok"},
	} {
		progress("build %s", build.pkg)
		out, err := exec.CommandContext(ctx, "go", "build", "-C", build.module, "-o", build.output, build.pkg).CombinedOutput()
		if err != nil {
			return fmt.Errorf("build %s: %w\n%s", build.pkg, err, out)
		}
	}
	return nil
}

// one runs a scenario on a cluster of its own.
func (b *bench) one(ctx context.Context, dir string, s scenario) (err error) {
	dir = filepath.Join(dir, s.name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	progress("%s: start a cluster", s.name)
	c, err := startCluster(ctx, b.source, dir, b.kwok)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	return s.run(ctx, c)
}
