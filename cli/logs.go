package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/runs/find"
	"github.com/kayci/kayci/runs/logs"
)

// logFlags are what `kayci logs` is told.
type logFlags struct {
	filter     logs.Filter
	follow     bool
	tail       int64
	since      time.Duration
	grep       string
	timestamps bool
	noPrefix   bool
	raw        bool
	// ends says that the Run doesn't go on when nobody follows it any more.
	ends bool
}

func newLogsCommand(env *Env) *cobra.Command {
	var flags logFlags
	cmd := &cobra.Command{
		Use:   "logs [RUN] [JOB ...]",
		Short: "Print what the jobs of a Run have printed",
		Long: `Print what the jobs of a Run have printed: one job after the other, in the
Pipeline's order, or with -f all of them as they print, until the Run has ended. JOB
may be a service, too.

Colours are all that is left of what drives terminals; on what is no terminal they are
gone, too. What a log lacks is said on standard error: a node keeps the newest 10 MiB
or so of a container's log, and nothing of a pod that was deleted. Where KayCI's store
is installed it has the rest, also of Runs that were deleted.

With -f the exit code is the Run's: 0 if it succeeded, 1 if it failed, 3 if it was
cancelled.`,
		Example: `  kayci logs -f web
  kayci logs web/128 test --tail 100
  kayci logs web/128 --failed --grep 'FAIL|panic'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.logs(cmd.Context(), args, flags)
		},
	}
	f := cmd.Flags()
	env.Cluster.AddFlags(f)
	f.BoolVarP(&flags.follow, "follow", "f", false, "go on until the Run has ended, with jobs that start later")
	f.BoolVar(&flags.filter.Failed, "failed", false, "only jobs and services that have failed")
	f.StringVarP(&flags.filter.Container, "container", "c", "", "only containers of this name")
	f.IntVar(&flags.filter.Attempt, "attempt", 0, "only the attempt of this number, of a job that was retried; 0 for all")
	f.Int64Var(&flags.tail, "tail", -1, "how many of the last lines of each container; -1 for all")
	f.DurationVar(&flags.since, "since", 0, "only lines that are no older, as 5m")
	f.StringVar(&flags.grep, "grep", "", "only lines that match this regular expression (RE2)")
	f.BoolVar(&flags.timestamps, "timestamps", false, "begin each line with when it was printed")
	f.BoolVar(&flags.noPrefix, "no-prefix", false, "don't begin lines with the name of their job")
	f.BoolVar(&flags.raw, "raw", false, "print all bytes as they are, which may drive the terminal, and long lines whole")
	return cmd
}

// logs prints the logs of a Run that is named, or of the newest.
func (e *Env) logs(ctx context.Context, args []string, flags logFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	finder, err := e.finder()
	if err != nil {
		return err
	}
	name := ""
	if len(args) > 0 {
		name, flags.filter.Parts = args[0], args[1:]
	}
	run, err := finder.Run(ctx, name)
	if err != nil {
		return err
	}
	return e.runLogs(ctx, run, flags)
}

func (f *logFlags) check() error {
	switch {
	case f.tail < -1:
		return usage("--tail is %d: it takes a number of lines, or -1 for all", f.tail)
	case f.since < 0:
		return usage("--since is %s: it takes how long ago, as 5m", f.since)
	case f.filter.Attempt < 0:
		return usage("--attempt is %d: they are counted from 1", f.filter.Attempt)
	}
	if _, err := regexp.Compile(f.grep); err != nil {
		return usage("--grep: %w", err)
	}
	return nil
}

// runLogs prints the logs of a Run. If they are followed, it ends as the Run does.
func (e *Env) runLogs(ctx context.Context, run *v1alpha1.Run, flags logFlags) error {
	kube, err := e.Cluster.Kube()
	if err != nil {
		return err
	}
	if err := known(run, flags.filter.Parts); err != nil {
		return err
	}
	printer, err := e.logPrinter(run, flags)
	if err != nil {
		return err
	}
	pods, err := e.pods(kube)
	if err != nil {
		return err
	}
	if flags.follow && !find.Deleted(run) {
		return e.followLogs(ctx, run, pods, printer, flags)
	}
	if err = printer.all(ctx, run, pods, flags); err == nil {
		err = printer.Flush()
	}
	switch {
	case closed(err):
		return nil
	case err == nil && flags.follow:
		return Outcome(run.Status.Phase)
	}
	return err
}

// known refuses jobs that the Run doesn't have. One that was just created has none yet.
func known(run *v1alpha1.Run, parts []string) error {
	var names []string
	for i := range run.Status.Jobs {
		names = append(names, run.Status.Jobs[i].Name)
	}
	for i := range run.Status.Services {
		names = append(names, run.Status.Services[i].Name)
	}
	for _, part := range parts {
		if len(names) > 0 && !slices.Contains(names, part) {
			hint := strings.Join(names, ", ")
			if near := find.Near(part, names); len(near) > 0 {
				hint = "did you mean " + strings.Join(near, " or ") + "?"
			}
			return usage("Run %s has no job or service %q: %s", run.Name, part, hint)
		}
	}
	return nil
}

// options of each log.
func (f *logFlags) options(now time.Time) logs.Options {
	options := logs.Options{Whole: f.raw}
	if f.tail >= 0 {
		options.Tail = &f.tail
	}
	if f.since > 0 {
		options.Since = now.Add(-f.since)
	}
	return options
}

func (e *Env) followLogs(ctx context.Context, run *v1alpha1.Run, pods *logs.Pods, printer *logPrinter, flags logFlags) error {
	reader, err := e.Cluster.Client()
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(run)
	follower := &logs.Follower{
		Pods: pods, Filter: flags.filter, Options: flags.options(e.Now()),
		Run: func(ctx context.Context) (*v1alpha1.Run, error) {
			var now v1alpha1.Run
			if err := reader.Get(ctx, key, &now); err != nil {
				return nil, fmt.Errorf("get Run %s: %w", key.Name, err)
			}
			return &now, nil
		},
	}
	last, err := follower.Follow(ctx, printer)
	if flushed := printer.Flush(); err == nil {
		err = flushed
	}
	switch {
	case ctx.Err() != nil && flags.ends:
		return ctx.Err()
	case ctx.Err() != nil && !last.Status.Phase.Finished():
		// It may have got its number meanwhile.
		e.sayGoesOn(last)
		return ctx.Err()
	case closed(err):
		return nil
	case err != nil:
		return err
	default:
		return Outcome(last.Status.Phase)
	}
}

// FollowLogs prints the logs of a Run until it has ended, as `kayci logs -f` does, and
// ends as the Run does. Whoever is interrupted is told by the caller what becomes of it.
func (e *Env) FollowLogs(ctx context.Context, run *v1alpha1.Run) error {
	return e.runLogs(ctx, run, logFlags{follow: true, tail: -1, ends: true})
}

// closed reports whether nobody reads any more, as behind `| head`.
func closed(err error) bool { return errors.Is(err, syscall.EPIPE) }
