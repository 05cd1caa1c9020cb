// Package cli holds the commands that people give, a file each. They write as the
// person who calls them, by the person's kubeconfig, and hold no rights of their own.
package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kayci/kayci/api/v1alpha1"
	"github.com/kayci/kayci/cli/terminal"
	"github.com/kayci/kayci/runs/view"
)

// Program is what the program knows of itself and of where it runs.
type Program struct {
	// Name is what the person has called: kayci, or kubectl kayci.
	Name string
	// Version of the program, and the commit that it was built from.
	Version, Revision string
	// In, Out and Err are its streams.
	In       io.Reader
	Out, Err io.Writer
	// Getenv reads a variable of the environment.
	Getenv func(name string) string
}

// Env is what all commands share. It is for one command at a time.
type Env struct {
	Program
	// Cluster is reached when a command first asks for it.
	Cluster *Cluster
	// Terminal says what of In, Out and Err a person sees.
	Terminal *terminal.Terminal
	// Now is the clock.
	Now func() time.Time
	// waits tells a while, or until the context is done.
	waits func(context.Context, time.Duration) error
}

// NewEnv returns what the commands of a program share.
func NewEnv(p Program) *Env {
	return &Env{
		Program:  p,
		Cluster:  &Cluster{userAgent: "kayci/" + p.Version, warnings: p.Err, store: cmp.Or(p.Getenv("KAYCI_STORE"), announced)},
		Terminal: terminal.New(p.In, p.Out, p.Err, p.Getenv),
		Now:      time.Now,
		waits:    wait,
	}
}

// see returns what people see of a Run, with the commands as this person gives them.
func (e *Env) see(facts view.Facts) view.Run {
	seen := view.Of(facts)
	for i := range seen.Commands {
		seen.Commands[i] = e.command(seen.Commands[i])
	}
	return seen
}

// command is one of the program's as this person gives it: by the name that the person
// calls the program by, and for the namespace that was said.
func (e *Env) command(text string) string {
	text = e.Name + strings.TrimPrefix(text, "kayci")
	if said := e.Cluster.overrides.Context.Namespace; said != "" {
		text += " -n " + said
	}
	return text
}

// sayGoesOn says that the Run does, to who has enough of following it.
func (e *Env) sayGoesOn(run *v1alpha1.Run) {
	fmt.Fprintf(e.Err, "Run %s goes on: `%s` stops it.\n", view.Address(run), e.command("kayci cancel "+view.Address(run)))
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
