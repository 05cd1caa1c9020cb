package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/kayci/kayci/api/printable"
	"github.com/kayci/kayci/checkout/plan"
)

// Options say what to check out, and where.
type Options struct {
	Source plan.Source
	// Root is the folder that Dir is in. Dir may lead nowhere else.
	Root, Dir string
	// Secret is the folder of the credentials' files. Blank: there are none.
	Secret string
	// Helper is the command that leads to Credential and SSH, to which git adds arguments.
	Helper func(Answering) []string
	// Environ is this process's environment, of which git gets little.
	Environ []string
	// Out is told what is done.
	Out io.Writer
	// Wait returns after the time, or with an error when the context ends before.
	Wait func(ctx context.Context, d time.Duration) error
}

// pauses are before another try, where the host couldn't be reached.
func pauses() []time.Duration { return []time.Duration{2 * time.Second, 10 * time.Second} }

// Run checks the source out, and returns the commit.
func Run(ctx context.Context, opts Options) (commit string, err error) { return run(ctx, opts, 0) }

// run checks out the source or, at a depth of more than 0, a submodule.
func run(ctx context.Context, opts Options, depth int) (commit string, err error) {
	if opts.Source.Host == "" {
		opts.Secret = ""
	}
	auth, err := readSecret(opts.Secret, opts.Source)
	if err != nil {
		return "", err
	}
	dir, err := prepare(opts.Root, opts.Dir)
	if err != nil {
		return "", fmt.Errorf("make the folder %s ready: %w", opts.Dir, err)
	}
	scratch := filepath.Join(dir, ".git")
	source := opts.Source
	g := program{
		dir:     dir,
		environ: environment(opts.Environ, scratch, source, access(opts, auth, scratch)),
		hide:    newHider(auth),
	}
	if source.Remote.Scheme() == "ssh" {
		g.environ = append(g.environ, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+plan.ShellWords(opts.Helper(answering(opts, AsSSH, scratch))))
	}
	job := attempt{source, g, opts, scratch}
	if err := job.all(ctx, source.Init()); err != nil {
		return "", err
	}
	if source.LFS {
		if err := job.beginLFS(ctx); err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, endLFS(scratch)) }()
	}
	if commit, err = job.checkOut(ctx); err != nil || !source.Submodules {
		return commit, err
	}
	return commit, job.submodules(ctx, commit, depth)
}

// checkOut fetches the commit and writes its files.
func (a attempt) checkOut(ctx context.Context) (commit string, err error) {
	if a.source.Mirror != "" {
		a.borrow(ctx)
	}
	if err := a.fetch(ctx); err != nil {
		return "", err
	}
	if commit, err = a.write(ctx); err != nil {
		return "", err
	}
	if a.source.LFS {
		if err := a.settle(ctx); err != nil {
			return "", err
		}
	}
	if a.source.Mirror != "" {
		return commit, a.all(ctx, a.source.ForgetMirror())
	}
	return commit, nil
}

// attempt is one checkout at work.
type attempt struct {
	source plan.Source
	git    program
	opts   Options
	// folder is git's own.
	folder string
}

func (a attempt) all(ctx context.Context, commands []plan.Command) error {
	for _, command := range commands {
		if _, err := a.git.run(ctx, command); err != nil {
			return a.explain(ctx, err)
		}
	}
	return nil
}

// fetch tries one way after the other until the commit is here.
func (a attempt) fetch(ctx context.Context) error {
	ways := a.source.Fetches()
	for i, way := range ways {
		err := a.patiently(ctx, way)
		switch {
		case err == nil && a.source.Commit == "":
			return nil
		case err == nil:
			if _, missing := a.git.run(ctx, plan.Has(a.source.Commit)); missing == nil {
				return nil
			}
		case kindOf(err) == plan.NoRef && a.source.Commit != "":
			return errors.New(a.source.Explain(plan.NoCommit, ""))
		case kindOf(err) != plan.Unadvertised:
			return a.explain(ctx, err)
		}
		if i == 0 {
			a.tell("%s lets nobody fetch a commit by its hash: looking for it in its history", a.source.Remote.Host())
		}
	}
	return errors.New(a.source.Explain(plan.NoCommit, ""))
}

// patiently tries again what may help then.
func (a attempt) patiently(ctx context.Context, command plan.Command) error {
	for _, pause := range pauses() {
		_, err := a.git.run(ctx, command)
		if err == nil || kindOf(err) != plan.Unreachable || ctx.Err() != nil {
			return err
		}
		a.tell("%s can't be reached, or broke off: trying again in %s", a.source.Remote.Host(), pause)
		if a.opts.Wait(ctx, pause) != nil {
			return err
		}
	}
	_, err := a.git.run(ctx, command)
	return err
}

func (a attempt) write(ctx context.Context) (string, error) {
	out, err := a.git.run(ctx, a.source.Find())
	if err != nil {
		return "", a.explain(ctx, err)
	}
	commit := strings.TrimSpace(out)
	if a.source.Merge != "" {
		return a.merge(ctx, commit)
	}
	for _, command := range a.source.Write(commit) {
		if err := a.patiently(ctx, command); err != nil {
			return "", a.explain(ctx, err)
		}
	}
	head, subject, err := a.head(ctx)
	if err == nil && head != commit {
		err = fmt.Errorf("%s was checked out in place of %s: start the Run again", head, commit)
	}
	if err != nil {
		return "", err
	}
	a.tell("Checked out %s of %s: %s", commit, a.source.Remote, subject)
	return commit, nil
}

// head is the commit that is checked out, and the first line of its message.
func (a attempt) head(ctx context.Context) (commit, subject string, err error) {
	out, err := a.git.run(ctx, plan.Head())
	if err != nil {
		return "", "", a.explain(ctx, err)
	}
	commit, subject, _ = strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	return commit, printable.Cut(printable.Strip(subject), 200), nil
}

// explain says what git's failure means.
func (a attempt) explain(ctx context.Context, err error) error {
	failed, is := errors.AsType[*failure](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s was not fetched within the time limit: raise the timeout, or fetch less (depth, paths)", a.source.Remote)
	case ctx.Err() != nil:
		return errors.New("stopped before it was done")
	case !is:
		return fmt.Errorf("start git: %w", err)
	default:
		return errors.New(a.source.Explain(plan.KindOf(failed.said), failed.said))
	}
}

func (a attempt) tell(format string, args ...any) { fmt.Fprintf(a.opts.Out, format+"\n", args...) }
