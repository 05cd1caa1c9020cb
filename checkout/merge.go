package checkout

import (
	"context"
	"errors"
	"strings"

	"github.com/kayci/kayci/checkout/plan"
)

// merge checks out the branch to merge into, and merges the commit. It returns the
// commit that this makes.
func (a attempt) merge(ctx context.Context, commit string) (string, error) {
	into := a.source
	into.Commit, into.Ref = "", a.source.Merge
	target := attempt{into, a.git, a.opts, a.folder}
	if err := target.fetch(ctx); err != nil {
		return "", err
	}
	out, err := a.git.run(ctx, into.Find())
	if err != nil {
		return "", a.explain(ctx, err)
	}
	at := strings.TrimSpace(out)
	if err := a.meet(ctx, at, commit); err != nil {
		return "", err
	}
	if err := a.all(ctx, a.source.Write(at)); err != nil {
		return "", err
	}
	if _, err := a.git.run(ctx, a.source.MergeInto(commit)); err != nil {
		return "", a.conflict(ctx, commit, err)
	}
	merged, _, err := a.head(ctx)
	if err != nil {
		return "", err
	}
	a.tell("Merged %s into %s, which is at %s, of %s: %s", commit, a.source.Merge, at, a.source.Remote, merged)
	return merged, nil
}

// meet fetches as much of both histories as it takes for them to meet.
func (a attempt) meet(ctx context.Context, target, commit string) error {
	for _, way := range a.source.Histories(commit) {
		if _, err := a.git.run(ctx, plan.Meet(target, commit)); err == nil {
			return nil
		}
		// Where there is no more to fetch git says so by an error of the same kind.
		if err := a.patiently(ctx, way); err != nil && kindOf(err) != plan.NoCommit {
			return a.explain(ctx, err)
		}
	}
	if _, err := a.git.run(ctx, plan.Meet(target, commit)); err != nil {
		return errors.New(a.source.ExplainStrangers(commit))
	}
	return nil
}

func (a attempt) conflict(ctx context.Context, commit string, err error) error {
	files, failed := a.git.run(ctx, plan.Conflicts())
	if text := a.source.ExplainConflict(commit, files); failed == nil && text != "" {
		return errors.New(text)
	}
	return a.explain(ctx, err)
}
