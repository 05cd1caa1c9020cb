package checkout

import (
	"context"
	"errors"
	"time"

	"github.com/kayci/kayci/checkout/plan"
)

// borrow copies from the mirror what the host then needn't send. That a mirror can't be
// used fails nothing; one that doesn't answer leaves the host half of the time.
func (a attempt) borrow(ctx context.Context) {
	if deadline, is := ctx.Deadline(); is {
		half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
		ctx = half
	}
	a.git.environ = environment(a.opts.Environ, a.folder, a.source, plan.Access{Folder: a.folder})
	borrowed := false
	for i, command := range a.source.FromMirror() {
		_, err := a.git.run(ctx, command)
		switch {
		case err == nil && i == 0 && a.source.Commit != "" && a.source.Merge == "":
			a.tell("The mirror has %s", a.source.Commit)
			return
		case err == nil:
			borrowed = true
		case !plan.Absent(kindOf(err)):
			a.tell("Warning: %s", a.source.ExplainMirror(a.said(ctx, err)))
			return
		}
	}
	if borrowed {
		a.tell("The mirror has some of it: fetching from %s what it lacks", a.source.Remote.Host())
	} else {
		a.tell("Warning: the mirror has neither the commit nor the branch nor a HEAD: all is fetched from %s", a.source.Remote.Host())
	}
}

// said is what a failure says.
func (a attempt) said(ctx context.Context, err error) string {
	failed, is := errors.AsType[*failure](err)
	switch {
	case ctx.Err() != nil:
		return "it took half of the time"
	case is:
		return failed.said
	default:
		return err.Error()
	}
}
